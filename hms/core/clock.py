"""The only source of the current time. Instants are timezone-aware UTC; days are in the hospital's zone (`HMS_TIMEZONE`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import MINYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Africa/Freetown")


def set_zone(name: str) -> None:
    """Set the hospital's time zone to `name` (IANA, "Africa/Freetown"); called once at start."""
    global _zone
    _zone = ZoneInfo(name)


def zone() -> ZoneInfo:
    return _zone


_frozen_at: ContextVar[datetime | None] = ContextVar("frozen_at", default=None)


def now() -> datetime:
    """This instant, in UTC."""
    return _frozen_at.get() or datetime.now(UTC)


@contextmanager
def frozen_at(instant: datetime) -> Iterator[None]:
    """Make `now()` return `instant` inside the block: for demo data of past weeks and for tests."""
    token = _frozen_at.set(instant)
    try:
        yield
    finally:
        _frozen_at.reset(token)


def today() -> date:
    """The current day in the hospital's time zone."""
    return now().astimezone(_zone).date()


def local(instant: datetime) -> datetime:
    """`instant` converted to the hospital's time zone."""
    return instant.astimezone(_zone)


def second_of_day(instant: datetime) -> int:
    """The seconds from midnight to `instant` on the clock of the hospital."""
    moment = local(instant)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def at(day: date, clock_time: time) -> datetime:
    """The instant (UTC) of `day` and `clock_time` in the hospital's time zone."""
    return _at(day, clock_time, _zone)


@lru_cache(maxsize=4096)
def _at(day: date, clock_time: time, zone: ZoneInfo) -> datetime:
    # Cached: a calendar converts the same few times of a day hundreds of times.
    try:
        return datetime.combine(day, clock_time, zone).astimezone(UTC)
    except OverflowError:  # on the first or the last day of the calendar UTC may be outside it
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if day.year == MINYEAR else last


def has_clock_change(day: date, clock_time: time, minutes: int = 0) -> bool:
    """Whether the clocks are changed (daylight saving) between `clock_time` and `minutes` later, or `clock_time` is skipped.

    Otherwise so many minutes pass on the clock on the wall as in fact.
    """
    starts, wall = at(day, clock_time), datetime.combine(day, clock_time)
    try:
        ends, wall_end = starts + timedelta(minutes=minutes), wall + timedelta(minutes=minutes)
        return local(starts).replace(tzinfo=None) != wall or local(ends).replace(tzinfo=None) != wall_end
    except OverflowError:  # the calendar ends: nothing can be there
        return True


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Start and end of a hospital day as instants; half open. The last day of the calendar ends with the calendar."""
    end = at(day, time.max) if day == date.max else at(day + timedelta(days=1), time.min)
    return at(day, time.min), end
