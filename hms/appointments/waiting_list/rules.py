"""Rules of the waiting list."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hms.appointments.bookings.rules import MAX_ADVANCE
from hms.core.errors import Conflict, RuleBroken
from hms.core.text.translation import N_

MAX_NOTES_LENGTH = 200
MAX_REASON_LENGTH = 120


def check_days(first: date, last: date, today: date) -> None:
    """Raise `RuleBroken` for days that are past, in the wrong order, or too far ahead."""
    if last < first:
        raise RuleBroken(N_("The last day must not be before the first."), "last_day")
    if last < today:
        raise RuleBroken(N_("That day is past. Choose a later one."), "last_day")
    if last - today > MAX_ADVANCE or today - first > timedelta(days=366):
        raise RuleBroken(N_("Check the year."), "last_day" if last - today > MAX_ADVANCE else "first_day")


def check_is_waiting(entry: Any) -> None:
    """Raise `Conflict` when the entry has ended."""
    if entry.appointment_id is not None:
        raise Conflict(N_("This patient was booked from the waiting list already."), code="booked")
    if entry.withdrawn_at is not None:
        raise Conflict(N_("This entry was taken off the waiting list already."), code="withdrawn")


def check_wanted(entry: Any, doctor_id: int, department_id: int | None, day: date) -> None:
    """Raise `RuleBroken` for a place with another doctor or department, or on another day, than the patient waits for."""
    if entry.doctor_id not in (None, doctor_id) or entry.department_id not in (None, department_id):
        raise RuleBroken(N_("The patient waits for another doctor or department."), "doctor", code="not_wanted")
    if not entry.first_day <= day <= entry.last_day:
        raise RuleBroken(N_("The patient waits for other days."), "date", code="not_wanted")
