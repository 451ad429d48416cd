"""What the clock does with bookings: at the end of the day, those whose patients did not come are marked so."""

from __future__ import annotations

import datetime as dt

from hms.core import clock
from hms.core.person import SYSTEM
from hms.core.settings import store as settings

from . import actions

DAYS_BACK = 7
"""Older bookings stay as they are when the hospital switches this on."""


def mark_no_shows() -> int:
    """Mark the bookings of the last days whose patients did not come, once the hour of the setting has come; returns how
    many."""
    if not settings.value("appointments.no_show_automatic"):
        return 0
    wall = clock.local(clock.now()).replace(tzinfo=None)
    is_over = wall.hour >= settings.value("appointments.no_show_hour")
    until = wall if is_over else dt.datetime.combine(wall.date(), dt.time())
    since, marked = wall.date() - dt.timedelta(days=DAYS_BACK), 0
    while count := actions.mark_as_missed(since=since, until=until, by=SYSTEM):
        marked += count
    return marked
