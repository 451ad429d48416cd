"""Chart: the record of one patient across all desks. Reads only."""

from __future__ import annotations
