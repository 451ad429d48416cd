"""Laboratory: tests ordered, samples, results and who has seen them."""

from __future__ import annotations
