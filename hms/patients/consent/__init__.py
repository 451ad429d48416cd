"""Consent: texts with versions, what patients or their guardians decided, and the printed form."""
