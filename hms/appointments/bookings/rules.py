"""Rules of bookings: which state follows which, and which times may be booked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hms.appointments.availability.rules import LATE_BOOKING_GRACE, Absence, Hours, hours_on_day, check_duration
from hms.appointments.enums import STATUS_LABELS, Status
from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_ADVANCE = timedelta(days=731)
STATUS_TRANSITIONS = {
    Status.SCHEDULED: frozenset(Status) - {Status.SCHEDULED},
    Status.CHECKED_IN: frozenset(Status) - {Status.CHECKED_IN, Status.RESCHEDULED},
    Status.IN_SERVICE: frozenset({Status.COMPLETED, Status.CHECKED_IN}),
    Status.CANCELLED: frozenset({Status.SCHEDULED}),
    Status.NO_SHOW: frozenset({Status.SCHEDULED, Status.CHECKED_IN}),
    Status.COMPLETED: frozenset(),
    Status.RESCHEDULED: frozenset(),
}
"""Backward moves are the undo of a slip at the desk; completed and moved bookings are final."""


def check_status_change(old: str, new: str) -> None:
    """Refuse a move that a booking cannot make; staying where it is counts as done."""
    if old != new and Status(new) not in STATUS_TRANSITIONS[Status(old)]:
        message = N_("This appointment is %(old)s and cannot become %(new)s. Book a new appointment.")
        words = {"old": STATUS_LABELS[Status(old)].lower(), "new": STATUS_LABELS[Status(new)].lower()}
        raise RuleBroken(message, "status", code="bad_move", **words)


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
    check_duration(minutes)
    if starts + LATE_BOOKING_GRACE < now:
        raise RuleBroken(N_("That time is past. Choose a later one."), "time", code="past")
    if starts - now > MAX_ADVANCE:
        raise RuleBroken(N_("That is more than two years ahead. Check the year."), "date", code="too_far")
    if not is_overbooked:
        _check_hours(starts, starts + timedelta(minutes=minutes), hours, absences)


def _check_hours(starts: datetime, ends: datetime, hours: Iterable[Hours] | None, absences: Iterable[Absence]) -> None:
    if any(starts < away.ends and away.starts < ends for away in absences):
        raise RuleBroken(
            N_("The doctor is away at that time. Choose another time or another doctor."), "time", code="away"
        )
    if hours is None:
        return
    day = clock.local(starts).date()
    spans = _merge_spans([(clock.at(day, h.starts), clock.at(day, h.ends)) for h in hours_on_day(hours, day)])
    if not any(opens <= starts and ends <= closes for opens, closes in spans):
        raise RuleBroken(
            N_("The doctor has no clinic hours at that time. Choose a time in clinic hours."), "time", code="no_clinic"
        )


def _merge_spans(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans that touch or overlap become one."""
    joined: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined
