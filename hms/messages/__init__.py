"""Messages: a person's notifications; leans on staff."""

from __future__ import annotations
