"""Rules of bookings: status changes, and times that may be booked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from hms.appointments.availability.rules import LATE_BOOKING_GRACE, Absence, Hours, check_duration, merge_hours
from hms.appointments.enums import STATUS_LABELS, STATUS_TRANSITIONS, Status
from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_ADVANCE = timedelta(days=731)
LATE_ARRIVAL = timedelta(minutes=15)


def check_status_change(old: str, new: str) -> None:
    """Raise `RuleBroken` unless `new` may follow `old` or equals it."""
    if old != new and Status(new) not in STATUS_TRANSITIONS[Status(old)]:
        message = N_("This appointment is %(old)s and cannot become %(new)s. Book a new appointment.")
        labels = {"old": STATUS_LABELS[Status(old)].lower(), "new": STATUS_LABELS[Status(new)].lower()}
        raise RuleBroken(message, "status", code="bad_move", **labels)


def check_status_day(new: str, day: date, today: date) -> None:
    """Raise `RuleBroken` for a status that says the patient came, or did not come, to an appointment of a later day."""
    if day > today and Status(new) in (Status.CHECKED_IN, Status.IN_SERVICE, Status.COMPLETED, Status.NO_SHOW):
        message = N_("This appointment is on a later day and cannot become %(new)s. Move or cancel it instead.")
        raise RuleBroken(message, "status", code="not_yet", new=STATUS_LABELS[Status(new)].lower())


def late_starts(bookings: Iterable[Any], now: datetime) -> dict[int, datetime]:
    """When each late booking should have begun, by its id: its patient has not come `LATE_ARRIVAL` after the time."""
    starts = {row.id: clock.at(row.date, row.time) for row in bookings if row.status == Status.SCHEDULED}
    return {booking_id: begins for booking_id, begins in starts.items() if begins + LATE_ARRIVAL < now}


def check_bookable(
    starts: datetime,
    now: datetime,
    minutes: int = 15,
    *,
    hours: Iterable[Hours] | None = None,
    absences: Iterable[Absence] = (),
) -> None:
    """Raise `RuleBroken` for a booking in the past, too far ahead, or outside the doctor's clinic hours.

    `starts` and `now` are UTC. When `hours` is None the doctor has no clinic hours and any time is allowed.
    """
    check_duration(minutes)
    if starts + LATE_BOOKING_GRACE < now:
        raise RuleBroken(N_("That time is past. Choose a later one."), "time", code="past")
    if starts - now > MAX_ADVANCE:
        raise RuleBroken(N_("That is more than two years ahead. Check the year."), "date", code="too_far")
    _check_hours(starts, starts + timedelta(minutes=minutes), hours, absences)


def _check_hours(starts: datetime, ends: datetime, hours: Iterable[Hours] | None, absences: Iterable[Absence]) -> None:
    if any(starts < absence.ends and absence.starts < ends for absence in absences):
        raise RuleBroken(
            N_("The doctor is away at that time. Choose another time or another doctor."), "time", code="away"
        )
    if hours is None:
        return
    spans = merge_hours(hours, clock.local(starts).date())
    if not any(opens <= starts and ends <= closes for opens, closes in spans):
        raise RuleBroken(
            N_("The doctor has no clinic hours at that time. Choose a time in clinic hours."), "time", code="no_clinic"
        )
