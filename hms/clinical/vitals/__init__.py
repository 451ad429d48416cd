"""Vital signs: definitions, plausibility, NEWS2, readings, triage."""
