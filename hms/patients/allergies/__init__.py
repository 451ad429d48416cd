"""Allergy list: parsing, recording, pages."""
