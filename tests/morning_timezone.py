"""The test hospital stands where it is morning, so that whatever hour a run begins its day has places left to book
and does not end while tests speak of today.

`HMS_TIMEZONE` tries another place: `HMS_TIMEZONE=Africa/Freetown make test`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from hms.core import clock

BEGINS = 9
"""The hour a run begins, by the test hospital's wall clock."""


def zone_at(hour: int) -> str:
    """The zone of whole hours whose clocks show `BEGINS` while the hour is `hour` in UTC."""
    ahead = (BEGINS - hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}"


def set_timezone() -> None:
    """Put the test hospital there; the processes a run starts inherit the place."""
    clock.set_zone(os.environ.setdefault("HMS_TIMEZONE", zone_at(datetime.now(UTC).hour)))
