"""Strengths, doses, shorthand, quantities."""
