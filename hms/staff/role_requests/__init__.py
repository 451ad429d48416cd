"""Asking for a role, and deciding."""
