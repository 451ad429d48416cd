"""Chart: one patient's story, gathered from all desks. Reads only."""

from __future__ import annotations
