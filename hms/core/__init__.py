"""What every desk uses: money, time, text, permissions, audit, events, database. It imports no desk."""

from __future__ import annotations
