"""The care team of a patient. Nobody can add themselves: someone else must have made the booking or order.

A patient is in the care of a person

* who has an open booking with them, from today on, that someone else made;
* who is in today's queue for them or for any doctor (for people who do not write encounters: also for any doctor
  of their department, or of all when they belong to none), checked in by someone else or for such a booking;
* whose encounter they write, or signed within the last 30 days;
* for those who enter results: whose test, ordered by someone else, waits at the laboratory or was done there within the
  last 24 hours, so that a value can still be corrected.

Bookings, queue and visits count for those who read charts. A person who only dispenses is in no care team and opens a
restricted record with a reason.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    String,
    and_,
    column,
    exists,
    false,
    or_,
    select,
    table,
)

from hms.core.db.fixed_words import fixed_word, fixed_words
from hms.staff.models import User

from .reader import QueueScope, Reader

AFTERCARE = timedelta(days=30)
CORRECTED_WITHIN = timedelta(hours=24)
OPEN_BOOKINGS = ("scheduled", "checked_in", "in_service")

# This desk may not import the desks above it, so the needed columns of their tables are declared here.
_BOOKING = table(
    "appointment",
    *(column(name, BigInteger) for name in ("id", "patient_id", "doctor_id", "booked_by_id")),
    column("date", Date),
    column("status", String),
    column("withdrawn_at", DateTime(timezone=True)),
).c
_QUEUE_ENTRY = table(
    "queue_entry",
    *(column(name, BigInteger) for name in ("patient_id", "doctor_id", "appointment_id", "added_by_id")),
    column("service_date", Date),
    column("status", String),
).c
_VISIT = table(
    "encounter",
    *(column(name, BigInteger) for name in ("patient_id", "doctor_id")),
    column("status", String),
    column("signed_at", DateTime(timezone=True)),
).c
_TEST = table(
    "lab_order",
    *(column(name, BigInteger) for name in ("patient_id", "ordered_by_id")),
    column("status", String),
    column("done_at", DateTime(timezone=True)),
).c


def cared_for_by(reader: Reader, patient_id: Any) -> ColumnElement[bool]:
    """The condition that the patient with this id (a column) is in the care of the reader."""
    conditions = [_booked, _in_queue, _visited] if reader.kind.sees_patients else []
    conditions += [_tested] if reader.kind.enters_results else []
    return or_(false(), *(condition(reader, patient_id) for condition in conditions))


def _booked(reader: Reader, patient_id: Any) -> ColumnElement[bool]:
    return exists().where(
        _BOOKING.patient_id == patient_id,
        _BOOKING.doctor_id == reader.at.reader_id,
        _BOOKING.date >= reader.at.reader_today,
        _BOOKING.status.in_(fixed_words(OPEN_BOOKINGS)),
        _BOOKING.withdrawn_at.is_(None),
        _BOOKING.booked_by_id.is_distinct_from(reader.at.reader_id),
    )


def _in_queue(reader: Reader, patient_id: Any) -> ColumnElement[bool]:
    booked_by_another = exists().where(
        _BOOKING.id == _QUEUE_ENTRY.appointment_id, _BOOKING.booked_by_id.is_distinct_from(reader.at.reader_id)
    )
    return exists().where(
        _QUEUE_ENTRY.patient_id == patient_id,
        _QUEUE_ENTRY.service_date == reader.at.reader_today,
        _QUEUE_ENTRY.status != fixed_word("cancelled"),
        or_(_QUEUE_ENTRY.doctor_id == reader.at.reader_id, _QUEUE_ENTRY.doctor_id.is_(None), *_colleagues(reader)),
        or_(_QUEUE_ENTRY.added_by_id.is_distinct_from(reader.at.reader_id), booked_by_another),
    )


def _colleagues(reader: Reader) -> list[ColumnElement[bool]]:
    """For those who help several doctors: the doctors of their department, or all when they belong to none."""
    if reader.kind.queue_scope is QueueScope.NOBODY:
        return []
    if reader.kind.queue_scope is QueueScope.ALL:
        return [_QUEUE_ENTRY.doctor_id.is_not(None)]
    return [_QUEUE_ENTRY.doctor_id.in_(select(User.id).where(User.department_id == reader.at.reader_department_id))]


def _visited(reader: Reader, patient_id: Any) -> ColumnElement[bool]:
    recently = and_(_VISIT.status == fixed_word("signed"), _VISIT.signed_at > reader.at.reader_now - AFTERCARE)
    return exists().where(
        _VISIT.patient_id == patient_id,
        _VISIT.doctor_id == reader.at.reader_id,
        or_(_VISIT.status == fixed_word("in_progress"), recently),
    )


def _tested(reader: Reader, patient_id: Any) -> ColumnElement[bool]:
    lately = and_(_TEST.status == fixed_word("done"), _TEST.done_at > reader.at.reader_now - CORRECTED_WITHIN)
    return exists().where(
        _TEST.patient_id == patient_id,
        _TEST.ordered_by_id.is_distinct_from(reader.at.reader_id),
        or_(_TEST.status == fixed_word("waiting"), lately),
    )
