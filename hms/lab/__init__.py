"""Laboratory: orders of tests and their results."""

from __future__ import annotations
