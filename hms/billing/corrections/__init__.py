"""Refunds, voids, write-offs and large discounts: requests that a second person approves."""
