"""Vital signs: definitions, ranges, plausibility, NEWS2, readings, triage."""
