"""What must be true of bookings: the doctor's day in slots, the moves a booking may make, when one can be made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol

from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.words import _

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 480
GRACE = timedelta(minutes=15)
"""Somebody standing at the desk may still be booked this long after the time."""
FURTHEST = timedelta(days=731)


class Status(StrEnum):
    """Where a booking stands, as the API writes it."""

    SCHEDULED = "scheduled"
    CHECKED_IN = "checked_in"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    RESCHEDULED = "rescheduled"


STATUS_WORDS = {
    Status.SCHEDULED: _l("Booked"),
    Status.CHECKED_IN: _l("Arrived"),
    Status.IN_SERVICE: _l("With doctor"),
    Status.COMPLETED: _l("Seen"),
    Status.CANCELLED: _l("Cancelled"),
    Status.NO_SHOW: _l("Did not come"),
    Status.RESCHEDULED: _l("Moved"),
}
TAKES_TIME = frozenset({Status.SCHEDULED, Status.CHECKED_IN, Status.IN_SERVICE})
MOVES = {
    Status.SCHEDULED: frozenset(Status) - {Status.SCHEDULED},
    Status.CHECKED_IN: frozenset(Status) - {Status.CHECKED_IN, Status.RESCHEDULED},
    Status.IN_SERVICE: frozenset({Status.COMPLETED, Status.CHECKED_IN}),
    Status.CANCELLED: frozenset({Status.SCHEDULED}),
    Status.NO_SHOW: frozenset({Status.SCHEDULED, Status.CHECKED_IN}),
    Status.COMPLETED: frozenset(),
    Status.RESCHEDULED: frozenset(),
}
"""Backward moves are the undo of a slip at the desk; completed and moved bookings are final."""


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


def slots(hours: Iterable[Hours], day: date, absences: Iterable[Absence] = ()) -> list[Slot]:
    """The day cut into slots, earliest first. Slots an absence touches are left out, overlapping hours count once."""
    away = list(absences)
    found: list[Slot] = []
    for span in sorted(_of(hours, day), key=lambda span: (span.starts, span.ends)):
        for slot in _cut(span, day):
            if not (found and slot.starts < found[-1].ends) and not _overlaps_any(slot, away):
                found.append(slot)
    return found


def _of(hours: Iterable[Hours], day: date) -> list[Hours]:
    return [h for h in hours if h.weekday == day.weekday() and _is_valid(h, day)]


def _is_valid(hours: Hours, day: date) -> bool:
    return hours.valid_from <= day and (hours.valid_to is None or day <= hours.valid_to)


def _cut(span: Hours, day: date) -> tuple[Slot, ...]:
    return _slots_of(span.starts, span.ends, span.slot_minutes, day, clock.zone().key)


@lru_cache(maxsize=1024)
def _slots_of(starts: time, ends: time, minutes: int, day: date, _zone: str) -> tuple[Slot, ...]:
    """Slots from wall-clock `starts` to `ends`. The same hours are cut for every look at a board."""
    step = timedelta(minutes=minutes)
    begin, end = datetime.combine(day, starts), datetime.combine(day, ends)
    count = max(int((end - begin) / step), 0) if step else 0
    walls = [begin + n * step for n in range(count)]
    return tuple(Slot(w.time(), at := clock.at(day, w.time()), at + step) for w in walls)


def _overlaps_any(slot: Slot, spans: Iterable[Absence | Slot]) -> bool:
    return any(slot.starts < span.ends and span.starts < slot.ends for span in spans)


def free(offered: Iterable[Slot], taken: Iterable[Absence | Slot], now: datetime) -> list[Slot]:
    """The slots that are neither taken nor past (beyond the grace); `taken` are anything with `starts` and `ends`."""
    booked = list(taken)
    return [slot for slot in offered if slot.starts + GRACE >= now and not _overlaps_any(slot, booked)]


def status(text: str, field: str = "status") -> Status:
    """A status in any usual spelling: "Scheduled", "checked-in", "no show"; `RuleBroken` when unknown."""
    word = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    try:
        return Status("cancelled" if word == "canceled" else word)
    except ValueError:
        raise RuleBroken(_("Choose one of the statuses an appointment can have."), field) from None


def check_move(old: str, new: str) -> None:
    """Refuse a move that a booking cannot make; staying where it is counts as done."""
    if old != new and Status(new) not in MOVES[Status(old)]:
        message = _("This appointment is %(old)s and cannot become %(new)s. Make a new booking.")
        words = {"old": STATUS_WORDS[Status(old)].lower(), "new": STATUS_WORDS[Status(new)].lower()}
        raise RuleBroken(message, "status", code="bad_move", **words)


def check_minutes(minutes: int) -> None:
    """An appointment takes 5 to 480 whole minutes."""
    is_whole = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not is_whole or not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise RuleBroken(_("An appointment takes 5 to 480 minutes."), "duration_minutes")


def check_bookable(
    starts: datetime,
    now: datetime,
    minutes: int = 15,
    *,
    hours: Iterable[Hours] | None = None,
    absences: Iterable[Absence] = (),
    is_overbooked: bool = False,
) -> None:
    """Refuse a booking that lies in the past, too far ahead, or outside the doctor's hours.

    `starts` and `now` are instants. `hours` None means that none are kept for the doctor, so any time will do. With
    `is_overbooked` somebody answers for booking outside the hours.
    """
    check_minutes(minutes)
    if starts + GRACE < now:
        raise RuleBroken(_("That time is past. Choose a later one."), "time", code="past")
    if starts - now > FURTHEST:
        raise RuleBroken(_("That is more than two years ahead. Check the year."), "date", code="too_far")
    if not is_overbooked:
        _check_hours(starts, starts + timedelta(minutes=minutes), hours, absences)


def _check_hours(starts: datetime, ends: datetime, hours: Iterable[Hours] | None, absences: Iterable[Absence]) -> None:
    if any(starts < away.ends and away.starts < ends for away in absences):
        raise RuleBroken(_("The doctor is away then. Choose another time or another doctor."), "time", code="away")
    if hours is None:
        return
    day = clock.local(starts).date()
    spans = _joined([(clock.at(day, h.starts), clock.at(day, h.ends)) for h in _of(hours, day)])
    if not any(opens <= starts and ends <= closes for opens, closes in spans):
        raise RuleBroken(_("The doctor has no clinic then. Choose a time in clinic hours."), "time", code="no_clinic")


def _joined(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans that touch or overlap become one."""
    joined: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined
