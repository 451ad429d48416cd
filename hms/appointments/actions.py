"""What can be done with bookings and the queue. Each subject has its own file; this one names what others call."""

from __future__ import annotations

import datetime as dt

from hms.core.actions import action
from hms.core.db import db
from hms.core.errors import NotAllowed, RuleBroken, Stale
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _

from .arrivals import add_to_queue, cancel, check_in, set_status, undo_check_in, withdraw
from .booking import Taken, book, locked_appointment, move
from .calling import (
    call,
    call_next,
    come_back,
    finish_service,
    leave,
    send_to,
    set_priority,
    start_service,
    undo_call,
)
from .hours import add_hours, block, end_hours, unblock
from .models import Appointment

__all__ = [
    "Taken",
    "add_hours",
    "add_to_queue",
    "block",
    "book",
    "call",
    "call_next",
    "cancel",
    "check_in",
    "come_back",
    "edit",
    "end_hours",
    "finish_service",
    "leave",
    "move",
    "send_to",
    "set_priority",
    "set_status",
    "start_service",
    "unblock",
    "undo_call",
    "undo_check_in",
    "withdraw",
]

CHANGED = _("Somebody else changed this appointment. Look at it again, then save.")


@action(Action.EDIT_APPOINTMENT, "appointments.edit")
def edit(
    appointment_id: int,
    *,
    version: int | None = None,
    patient_id: int | None = None,
    doctor_id: int | None = None,
    date: dt.date | None = None,
    time: dt.time | None = None,
    status: str | None = None,
    duration_minutes: int | None = None,
    notes: str | None = None,
    by: Person,
) -> Appointment:
    """Change what is given and differs; None leaves it. Each change needs its own grant (a nurse changes the status only)."""
    booking = locked_appointment(appointment_id, by)
    if version is not None and booking.version != version:
        raise Stale(CHANGED)
    if patient_id not in (None, booking.patient_id):
        raise RuleBroken(_("The patient of a booking cannot change. Cancel it and book anew."), "patient")
    when = (doctor_id or booking.doctor_id, date or booking.date, time or booking.time)
    is_moved = when != (booking.doctor_id, booking.date, booking.time)
    if is_moved or duration_minutes not in (None, booking.duration_minutes):
        move(appointment_id, doctor_id=when[0], date=when[1], time=when[2], duration_minutes=duration_minutes, by=by)
    if notes not in (None, booking.notes):
        _note(booking, notes, by)
    if status is not None:
        set_status(appointment_id, status, by=by)
    db.session.flush()
    return booking


def _note(booking: Appointment, notes: str, by: Person) -> None:
    if not by.may(Action.MOVE_APPOINTMENT):
        raise NotAllowed(_("Your role may change the status only, not: notes."))
    booking.notes = notes
    booking.changed()
