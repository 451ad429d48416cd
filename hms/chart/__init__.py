"""Chart: the record of one patient across all desks. It only reads."""

from __future__ import annotations
