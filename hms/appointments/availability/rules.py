"""Clinic hours, absences and free slots in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MIN_DURATION, MAX_DURATION = 5, 480
LATE_BOOKING_GRACE = timedelta(minutes=15)
"""Somebody standing at the desk may still be booked this long after the time."""


class Hours(Protocol):
    """When a doctor receives patients: a weekday (0 is Monday), wall-clock times, valid from and to included days."""

    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    valid_from: date
    valid_to: date | None


class Absence(Protocol):
    """A time without clinic, as instants; the end is not part of it."""

    starts: datetime
    ends: datetime


class Slot(NamedTuple):
    """A piece of a doctor's day: the wall-clock `time`, and both ends as instants in UTC."""

    time: time
    starts: datetime
    ends: datetime


def cut_slots(hours: Iterable[Hours], day: date, absences: Iterable[Absence] = ()) -> list[Slot]:
    """The day cut into slots, earliest first. Slots an absence touches are left out, overlapping hours count once."""
    away = list(absences)
    found: list[Slot] = []
    for span in sorted(hours_on_day(hours, day), key=lambda span: (span.starts, span.ends)):
        for slot in _cut_span(span, day):
            if not (found and slot.starts < found[-1].ends) and not _overlaps_any(slot, away):
                found.append(slot)
    return found


def hours_on_day(hours: Iterable[Hours], day: date) -> list[Hours]:
    return [h for h in hours if h.weekday == day.weekday() and _is_valid(h, day)]


def _is_valid(hours: Hours, day: date) -> bool:
    return hours.valid_from <= day and (hours.valid_to is None or day <= hours.valid_to)


def _cut_span(span: Hours, day: date) -> tuple[Slot, ...]:
    return _cut_hours(span.starts, span.ends, span.slot_minutes, day, clock.zone().key)


@lru_cache(maxsize=1024)
def _cut_hours(starts: time, ends: time, minutes: int, day: date, _zone: str) -> tuple[Slot, ...]:
    """Slots from wall-clock `starts` to `ends`. The same hours are cut for every look at a board."""
    step = timedelta(minutes=minutes)
    begin, end = datetime.combine(day, starts), datetime.combine(day, ends)
    count = max(int((end - begin) / step), 0) if step else 0
    walls = [begin + n * step for n in range(count)]
    return tuple(Slot(w.time(), at := clock.at(day, w.time()), at + step) for w in walls)


def _overlaps_any(slot: Slot, spans: Iterable[Absence | Slot]) -> bool:
    return any(slot.starts < span.ends and span.starts < slot.ends for span in spans)


def filter_free_slots(offered: Iterable[Slot], taken: Iterable[Absence | Slot], now: datetime) -> list[Slot]:
    """The slots that are neither taken nor past (beyond the grace); `taken` are anything with `starts` and `ends`."""
    booked = list(taken)
    return [slot for slot in offered if slot.starts + LATE_BOOKING_GRACE >= now and not _overlaps_any(slot, booked)]


def check_duration(minutes: int) -> None:
    """An appointment takes 5 to 480 whole minutes."""
    is_whole = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not is_whole or not MIN_DURATION <= minutes <= MAX_DURATION:
        raise RuleBroken(N_("Enter a duration from 5 to 480 minutes."), "duration_minutes")
