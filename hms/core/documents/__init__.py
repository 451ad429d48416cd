"""Printed documents: PDF and bar codes."""
