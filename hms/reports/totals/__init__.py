"""Daily totals: counts and sums for each day, kept so that no figure adds up a whole table when somebody looks."""

from __future__ import annotations
