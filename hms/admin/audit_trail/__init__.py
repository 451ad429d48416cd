"""The audit trail as administrators see it."""
