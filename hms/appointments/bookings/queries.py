"""Reads of bookings for pages: the day by time, one booking, a patient's bookings, expected patients."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import NamedTuple

from sqlalchemy import Row, Select, and_, or_, select, tuple_
from sqlalchemy.orm import aliased

from hms.appointments.availability import queries as availability
from hms.appointments.availability.queries import AbsenceRow
from hms.appointments.enums import OCCUPYING_STATUSES, QueueStatus, Status
from hms.appointments.models import Appointment, QueueEntry, VisitType
from hms.core import clock
from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients.identity.columns import IDENTITY, PATIENT_COLUMNS
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User

from .timetable import DAY, Occupied, Timetable

PAGE_SIZE = 25


def select_bookings() -> Select:
    """Bookings that are not withdrawn, with patient, doctor and visit type."""
    return (
        select(
            Appointment.id,
            Appointment.patient_id,
            Appointment.doctor_id,
            Appointment.date,
            Appointment.time,
            Appointment.duration_minutes,
            Appointment.status,
            Appointment.notes,
            Appointment.is_overbooked,
            Appointment.visit_type_id,
            Appointment.series_id,
            VisitType.name.label("visit_type_name"),
            VisitType.mark.label("visit_type_mark"),
            VisitType.colour.label("visit_type_colour"),
            display_name_column().label("doctor_name"),
            *IDENTITY,
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(User, User.id == Appointment.doctor_id)
        .outerjoin(VisitType, VisitType.id == Appointment.visit_type_id)
        .where(Appointment.withdrawn_at.is_(None))
    )


class DayPage(NamedTuple):
    """One page of a day's list. `before` and `after` are the (time, id) cursors of the neighbouring pages."""

    rows: list[Row]
    before: tuple[time, int] | None
    after: tuple[time, int] | None


def list_day(
    day: date,
    *,
    department_id: int | None = None,
    doctor_id: int | None = None,
    is_expected: bool = False,
    after: tuple[time, int] | None = None,
    before: tuple[time, int] | None = None,
) -> DayPage:
    """A page of 25 bookings of `day` by time, cancelled ones included, after or before a cursor (time, id).

    With `is_expected` only those whose patients have not come yet.
    """
    key, is_back = tuple_(Appointment.time, Appointment.id), before is not None and after is None
    query = select_bookings().where(Appointment.date == day, Appointment.status != Status.RESCHEDULED.value)
    if department_id is not None:
        query = query.where(User.department_id == department_id)
    if doctor_id is not None:
        query = query.where(Appointment.doctor_id == doctor_id)
    if is_expected:
        query = query.where(Appointment.status == Status.SCHEDULED.value)
    if is_back:
        query = query.where(key < before).order_by(Appointment.time.desc(), Appointment.id.desc())
    else:
        query = query.where(key > after) if after else query
        query = query.order_by(Appointment.time, Appointment.id)
    fetched = db.session.execute(query.limit(PAGE_SIZE + 1)).all()
    page = cut_page(fetched, PAGE_SIZE, is_first=after is None, is_backward=is_back)
    first, last = ((row.time, row.id) for row in (page.rows[0], page.rows[-1])) if page.rows else (None, None)
    return DayPage(page.rows, first if page.has_previous else None, last if page.has_next else None)


def get_appointment(appointment_id: int) -> Row:
    """One booking with names, token, and the time it was moved from; raises `NotFound` when withdrawn."""
    booker, earlier = aliased(User), aliased(Appointment)
    query = (
        select_bookings()
        .add_columns(
            Appointment.version,
            Appointment.status_reason,
            Appointment.created_at,
            User.room,
            VisitType.is_follow_up,
            display_name_column(booker).label("booked_by"),
            earlier.date.label("moved_from_date"),
            earlier.time.label("moved_from_time"),
            QueueEntry.id.label("entry_id"),
            QueueEntry.token,
            QueueEntry.status.label("queue_status"),
        )
        .outerjoin(booker, booker.id == Appointment.booked_by_id)
        .outerjoin(earlier, earlier.id == Appointment.rescheduled_from_id)
        .outerjoin(
            QueueEntry,
            and_(QueueEntry.appointment_id == Appointment.id, QueueEntry.status != QueueStatus.CANCELLED.value),
        )
        .where(Appointment.id == appointment_id)
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(N_("This appointment does not exist."))
    return row


def list_patient_bookings(patient_id: int, *, upcoming: bool = True, limit: int = 10) -> list[Row]:
    """The patient's upcoming bookings, soonest first, or the past ones, latest first."""
    today = clock.today()
    query = select_bookings().where(
        Appointment.patient_id == patient_id, Appointment.status != Status.RESCHEDULED.value
    )
    if upcoming:
        query = query.where(Appointment.date >= today, Appointment.status.in_(OCCUPYING_STATUSES))
        query = query.order_by(Appointment.date, Appointment.time)
    else:
        query = query.where(Appointment.date < today).order_by(Appointment.date.desc(), Appointment.time.desc())
    return list(db.session.execute(query.limit(limit)))


def get_patient_identity(patient_id: int) -> Row:
    """Name, birth date and number of an active patient; raises `NotFound`."""
    query = select(*PATIENT_COLUMNS).where(Patient.id == patient_id, Patient.status == "active")
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(N_("This patient does not exist."))
    return row


def load_timetable(
    doctor_id: int, first: date, last: date, patient_ids: Iterable[int], absences: Iterable[AbsenceRow] = ()
) -> Timetable:
    """The time of the doctor and the patients from `first` to `last`, with `absences` that are not recorded yet."""
    return load_timetables([doctor_id], first, last, patient_ids, absences)[doctor_id]


def load_timetables(
    doctor_ids: Iterable[int], first: date, last: date, patient_ids: Iterable[int], absences: Iterable[AbsenceRow] = ()
) -> dict[int, Timetable]:
    """The time of each of the doctors, and of the patients, from `first` to `last`, by the doctor's id."""
    doctors = set(doctor_ids)
    times = availability.get_hours_and_absences(first, last, doctors)
    query = select(
        *(Appointment.id, Appointment.doctor_id, Appointment.patient_id, Appointment.date, Appointment.time),
        *(Appointment.duration_minutes, Appointment.place, Appointment.is_overbooked),
    ).where(
        or_(Appointment.doctor_id.in_(doctors), Appointment.patient_id.in_(set(patient_ids))),
        Appointment.date.between(first - DAY, last + DAY),
        Appointment.status.in_(OCCUPYING_STATUSES),
    )
    occupied = [
        Occupied(row.id, row.doctor_id, row.patient_id, row.date, *availability.get_booking_span(row))
        for row in db.session.execute(query)
    ]
    away = [*times.absences, *absences]
    return {
        doctor_id: Timetable(
            doctor_id,
            [row for row in times.hours if row.doctor_id == doctor_id],
            [row for row in away if row.doctor_id == doctor_id],
            times.holidays,
            occupied,
        )
        for doctor_id in doctors
    }
