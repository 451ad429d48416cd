"""Confirm a booking: somebody has spoken with the patient."""

from __future__ import annotations

from hms.appointments.bookings.actions import lock_appointment
from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_


@action(Permission.EDIT_APPOINTMENT, "appointments.confirm")
def confirm_appointment(appointment_id: int, *, by: Person) -> Appointment:
    """Note that the patient has confirmed the present time; another time has to be confirmed again. A repeated call changes
    nothing. Raises `Conflict` unless the booking is open."""
    booking = lock_appointment(appointment_id, by)
    if booking.status != Status.SCHEDULED:
        raise Conflict(N_("Only an appointment that is booked can be confirmed."), code="not_booked")
    if booking.confirmed_at is None:
        booking.confirmed_at, booking.confirmed_by_id = clock.now(), by.id
        _save(booking)
    return booking


@action(Permission.EDIT_APPOINTMENT, "appointments.undo_confirmation")
def undo_confirmation(appointment_id: int, *, by: Person) -> Appointment:
    """Take a confirmation back; a repeated call changes nothing."""
    booking = lock_appointment(appointment_id, by)
    if booking.confirmed_at is not None:
        booking.confirmed_at = booking.confirmed_by_id = None
        _save(booking)
    return booking


def _save(booking: Appointment) -> None:
    booking.increment_version()
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
