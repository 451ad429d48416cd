"""Demo: a hospital with sample data, created by the desks' own actions. The same seed gives the same data."""

from __future__ import annotations
