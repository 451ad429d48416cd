"""Passwords and their rules, counted attempts and lockout, known devices, login activity."""
