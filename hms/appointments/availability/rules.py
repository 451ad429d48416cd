"""Rules of clinic hours, absences and slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MIN_DURATION, MAX_DURATION = 5, 480
MAX_CAPACITY = 50
LATE_BOOKING_GRACE = timedelta(minutes=15)
"""A slot can still be booked this long after it began, for a patient who is at the desk."""


class Hours(Protocol):
    """Clinic hours on a weekday (0 is Monday) in hospital time, valid from and to included days."""

    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    capacity: int
    overbooking: int
    valid_from: date
    valid_to: date | None


class Absence(Protocol):
    """A time without patients in UTC; the end is not part of it."""

    starts: datetime
    ends: datetime


class Taken(Protocol):
    """A time in UTC that a booking takes from the `place` of a doctor."""

    starts: datetime
    ends: datetime
    place: int
    is_overbooked: bool


class Slot(NamedTuple):
    """A slot of clinic hours: its `time` in hospital time, start and end in UTC, and the number of places that it has, or
    that are left."""

    time: time
    starts: datetime
    ends: datetime
    places: int = 1


def cut_slots(hours: Iterable[Hours], day: date, absences: Iterable[Absence] = ()) -> list[Slot]:
    """The slots of `day`, earliest first, without those that overlap an absence; overlapping hours count once."""
    away = list(absences)
    slots: list[Slot] = []
    for span in sorted(hours_on_day(hours, day), key=lambda span: (span.starts, span.ends)):
        for slot in _cut_span(span, day):
            if not (slots and slot.starts < slots[-1].ends) and not _overlaps_any(slot, away):
                slots.append(slot)
    return slots


def hours_on_day(hours: Iterable[Hours], day: date) -> list[Hours]:
    """The clinic hours that apply on `day`."""
    return [h for h in hours if h.weekday == day.weekday() and _is_valid(h, day)]


def _is_valid(hours: Hours, day: date) -> bool:
    return hours.valid_from <= day and (hours.valid_to is None or day <= hours.valid_to)


def _cut_span(span: Hours, day: date) -> tuple[Slot, ...]:
    return _cut_hours(span.starts, span.ends, span.slot_minutes, span.capacity, day, clock.zone().key)


@lru_cache(maxsize=1024)
def _cut_hours(starts: time, ends: time, minutes: int, places: int, day: date, _zone: str) -> tuple[Slot, ...]:
    """Slots from `starts` to `ends` (hospital time), none across a change of the clocks.

    Cached, because every board cuts the same hours; `_zone` is a cache key.
    """
    step = timedelta(minutes=minutes)
    begin, end = datetime.combine(day, starts), datetime.combine(day, ends)
    count = max(int((end - begin) / step), 0) if step else 0
    walls = [begin + n * step for n in range(count)]
    times = [wall.time() for wall in walls if not clock.has_clock_change(day, wall.time(), minutes)]
    return tuple(Slot(wall_time, at := clock.at(day, wall_time), at + step, places) for wall_time in times)


def _overlaps_any(slot: Slot, spans: Iterable[Absence | Slot]) -> bool:
    return any(slot.starts < span.ends and span.starts < slot.ends for span in spans)


def lengthen_slots(
    slots: Iterable[Slot], minutes: int, hours: Iterable[Hours], day: date, absences: Iterable[Absence]
) -> list[Slot]:
    """The slots with the length of a visit of `minutes`, without those that would run into an absence, past the end of the
    clinic hours, or over a change of the clocks."""
    away, spans = list(absences), merge_hours(hours, day)
    longer = [slot._replace(ends=slot.starts + timedelta(minutes=minutes)) for slot in slots]
    return [
        slot
        for slot in longer
        if any(opens <= slot.starts and slot.ends <= closes for opens, closes in spans)
        and not _overlaps_any(slot, away)
        and not clock.has_clock_change(day, slot.time, minutes)
    ]


def merge_hours(hours: Iterable[Hours], day: date) -> list[tuple[datetime, datetime]]:
    """Start and end (UTC) of the clinic hours of `day`, those that touch or overlap as one."""
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted((clock.at(day, h.starts), clock.at(day, h.ends)) for h in hours_on_day(hours, day)):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged


def check_no_holiday(name: str | None) -> None:
    """Raise `RuleBroken` when the day of a booking is the holiday `name`."""
    if name is not None:
        message = N_("This day is a holiday: %(name)s. Choose another day.")
        raise RuleBroken(message, "date", code="holiday", name=name)


def filter_free_slots(offered: Iterable[Slot], taken: Iterable[Taken], now: datetime) -> list[Slot]:
    """The slots with a place that nothing in `taken` has, each with the number of places left, that began at most
    `LATE_BOOKING_GRACE` before `now`."""
    booked = list(taken)
    coming = (slot for slot in offered if slot.starts + LATE_BOOKING_GRACE >= now)
    left = [slot._replace(places=count_places_left(slot, booked)) for slot in coming]
    return [slot for slot in left if slot.places]


def count_places_left(slot: Slot, taken: Iterable[Taken]) -> int:
    """The number of the slot's places that are free in all of its time."""
    return len(
        free_places(slot.places, [span for span in taken if slot.starts < span.ends and span.starts < slot.ends])
    )


def free_places(capacity: int, overlapping: Iterable[Taken]) -> list[int]:
    """The places of a time that can still be given, lowest first, as the trigger `place` of bookings counts them.

    A booking in a place above the capacity, made while it was larger, takes one of the places that are there now; an
    overbooking takes none.
    """
    taken = list(overlapping)
    places = {span.place for span in taken}
    surplus = sum(span.place > capacity and not span.is_overbooked for span in taken)
    return [place for place in range(1, capacity + 1) if place not in places][surplus:]


def find_place(capacity: int, overlapping: Iterable[Taken]) -> int | None:
    """The place that the next booking of a time gets; None when all are taken."""
    return next(iter(free_places(capacity, overlapping)), None)


def check_clock_change(day: date, clock_time: time, minutes: int = 0, field: str = "time") -> None:
    """Raise `RuleBroken` for a time that the clocks skip, or from which they are changed within `minutes`.

    The database compares bookings by the clock on the wall; such a booking would be longer or shorter there than in fact.
    """
    if clock.has_clock_change(day, clock_time, minutes):
        raise RuleBroken(
            N_("The clocks are changed at that time (daylight saving). Choose a time before or after the change."),
            field,
            code="clock_change",
        )


def check_capacity(capacity: int, overbooking: int) -> None:
    """Raise `RuleBroken` unless clinic hours may have this many patients at a time, and this many more."""
    if not 1 <= capacity <= MAX_CAPACITY:
        raise RuleBroken(N_("Enter a number from 1 to %(most)s."), "capacity", most=MAX_CAPACITY)
    if not 0 <= overbooking <= MAX_CAPACITY:
        raise RuleBroken(N_("Enter a number from 0 to %(most)s."), "overbooking", most=MAX_CAPACITY)


def check_duration(minutes: int, field: str = "duration_minutes") -> None:
    """Raise `RuleBroken` unless `minutes` is a whole number from 5 to 480."""
    is_whole = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not is_whole or not MIN_DURATION <= minutes <= MAX_DURATION:
        raise RuleBroken(N_("Enter a duration from 5 to 480 minutes."), field)
