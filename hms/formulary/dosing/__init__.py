"""Doses: strengths, typed shorthand, sentences and quantities."""
