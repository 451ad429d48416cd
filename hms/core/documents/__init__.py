"""Printed papers: PDF and bar codes."""
