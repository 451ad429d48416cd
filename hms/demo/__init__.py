"""Demo: a hospital that looks alive, made by the desks' own actions, the same from the same seed."""

from __future__ import annotations
