"""Medicines: starting lists, reads, writes, API."""
