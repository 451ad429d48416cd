"""Batches, allocation, ledger, expiry, adjustments."""
