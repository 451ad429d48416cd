"""What ends when a patient dies: the places in lines and the bookings to come, without a message to anybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hms.appointments.enums import IN_QUEUE_STATUSES, OCCUPYING_STATUSES, QueueStatus, Status
from hms.appointments.models import Appointment, PointEntry, QueueEntry
from hms.core import clock
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.events import Event, publish
from hms.patients.death.rules import PATIENT_DIED

from .transitions import set_queue_status


def end_queue_and_bookings(patient_id: int) -> None:
    """Take the patient out of the queue, and cancel the bookings from today on. A patient who was with staff counts as seen."""
    for entry in (*_places_in(QueueEntry, patient_id), *_places_in(PointEntry, patient_id)):
        was_seen = entry.status == QueueStatus.IN_SERVICE
        set_queue_status(entry, QueueStatus.DONE if was_seen else QueueStatus.CANCELLED)
    for booking in _open_bookings(patient_id):
        was_seen = booking.status == Status.IN_SERVICE
        set_status(booking, Status.COMPLETED if was_seen else Status.CANCELLED)
        booking.status_reason = "" if was_seen else PATIENT_DIED
        booking.increment_version()
        publish(Event.APPOINTMENTS_CHANGED)
    db.session.flush()


def _places_in(model: type[QueueEntry] | type[PointEntry], patient_id: int) -> list[Any]:
    present = select(model).where(
        model.patient_id == patient_id, model.status.in_([str(status) for status in IN_QUEUE_STATUSES])
    )
    return list(db.session.scalars(present.order_by(model.id).with_for_update()))


def _open_bookings(patient_id: int) -> list[Appointment]:
    coming = select(Appointment).where(
        Appointment.patient_id == patient_id,
        Appointment.date >= clock.today(),
        Appointment.status.in_([str(status) for status in OCCUPYING_STATUSES]),
        Appointment.withdrawn_at.is_(None),
    )
    return list(db.session.scalars(coming.order_by(Appointment.id).with_for_update()))
