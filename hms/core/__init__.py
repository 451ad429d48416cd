"""What every desk uses: money, time, text, permissions, audit, events, database. Imports no desk."""

from __future__ import annotations
