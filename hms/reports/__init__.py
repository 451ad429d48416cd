"""Reports: figures gathered from all desks. Reads only."""

from __future__ import annotations
