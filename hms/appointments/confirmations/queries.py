"""Reads of bookings that nobody has confirmed."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Select, Text, bindparam, case, func, select

from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.fixed_words import fixed_number, fixed_word, fixed_words
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.messages.enums import MessageStatus
from hms.messages.models import OutgoingMessage
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User

REACHED = (MessageStatus.SENT.value, MessageStatus.DELIVERED.value)
NOT_SENT = (MessageStatus.FAILED.value, MessageStatus.UNKNOWN.value, MessageStatus.MISSED.value)


class Unconfirmed(NamedTuple):
    """A booking that is not confirmed. `has_failed`: a message about this time did not reach the patient; else there was
    none. `phone` is empty for a restricted record. `total` is how many there are of all."""

    id: int
    patient_id: int
    family_name: str
    given_name: str
    title: str
    phone: str
    doctor_id: int
    doctor_name: str
    date: date
    time: time
    has_failed: bool
    total: int


def list_unconfirmed(limit: int | None = None) -> list[Unconfirmed]:
    """The bookings of the days after today that nobody confirmed and about whose present time no message was sent, by
    day and time (the first `limit`). How many days, the hospital sets; none with 0."""
    today, days = clock.today(), settings.value("appointments.confirm_days")
    values = {"first": today + timedelta(days=1), "last": today + timedelta(days=days), "zone": clock.zone().key}
    return [Unconfirmed(*row) for row in db.session.execute(_statement(), values | {"limit": limit})] if days else []


@cache
def _statement() -> Select:
    order = (Appointment.date, Appointment.time, Appointment.id)
    at = func.timezone(bindparam("zone", type_=Text), Appointment.date + Appointment.time)
    about = (OutgoingMessage.appointment_id == Appointment.id, OutgoingMessage.about_at == at)
    was_reached = select(OutgoingMessage.id).where(*about, OutgoingMessage.status.in_(fixed_words(REACHED))).exists()
    has_failed = select(OutgoingMessage.id).where(*about, OutgoingMessage.status.in_(fixed_words(NOT_SENT))).exists()
    unconfirmed = select(Appointment.id, func.count().over().label("total")).where(
        Appointment.date.between(bindparam("first"), bindparam("last")),
        Appointment.status == fixed_word(Status.SCHEDULED.value),
        Appointment.withdrawn_at.is_(None),
        Appointment.confirmed_at.is_(None),
        ~was_reached,
    )
    # Names are joined to the rows that are shown only.
    shown = unconfirmed.order_by(*order).limit(fixed_number("limit")).subquery("shown")
    return (
        select(
            Appointment.id,
            Appointment.patient_id,
            Patient.family_name,
            Patient.given_names,
            Patient.title,
            case((Patient.is_restricted, ""), else_=Patient.phone),
            Appointment.doctor_id,
            display_name_column(),
            Appointment.date,
            Appointment.time,
            has_failed,
            shown.c.total,
        )
        .join(shown, shown.c.id == Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(User, User.id == Appointment.doctor_id)
        .order_by(*order)
    )
