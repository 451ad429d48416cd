"""Catalogue of medicines: queries, actions, API."""
