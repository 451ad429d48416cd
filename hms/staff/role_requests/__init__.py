"""Requests for a role, and decisions on them."""
