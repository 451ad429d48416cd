"""Messages: alerts (notifications) for one person. Depends on staff."""

from __future__ import annotations
