"""Sets a time zone in which it is morning, so that at any hour the day has free slots and does not end during the run.

`HMS_TIMEZONE` tries another place: `HMS_TIMEZONE=Africa/Freetown make test`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from hms.core import clock

BEGINS = 9
"""The local hour at which a run begins."""


def zone_at(hour: int) -> str:
    """The zone of whole hours whose clocks show `BEGINS` while the hour is `hour` in UTC."""
    ahead = (BEGINS - hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}"


def set_timezone() -> None:
    """Set the time zone; the processes of the run inherit it."""
    clock.set_zone(os.environ.setdefault("HMS_TIMEZONE", zone_at(datetime.now(UTC).hour)))
