"""Refunds, voids, write-offs and discounts that need a second person."""
