"""Registering, unknown patients, unfinished forms."""
