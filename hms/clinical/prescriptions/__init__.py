"""Prescriptions: orders and their safety checks, actions, API, display."""
