"""Reads of the waiting list, and the places that became free for those who wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from hms.appointments.bookings.queries import load_timetables
from hms.appointments.bookings.timetable import Target
from hms.appointments.enums import OCCUPYING_STATUSES, Status
from hms.appointments.models import Appointment, VisitType, WaitingListEntry
from hms.core import clock
from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients.identity.columns import IDENTITY
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import Department, Role, User

PAGE_SIZE = 25
MAX_PAIRS = 1000
MAX_PLACES = 25
MAX_TRIED = 12
"""So many of those who want a place are looked at, the most urgent first: a place that nobody can have must not hide others."""
MAX_ENTRIES = 5
"""So many of those who wait for a free place are offered, the most urgent first."""
SEARCH_DAYS = timedelta(days=92)
"""Free places further ahead are not looked for."""


def is_waiting() -> ColumnElement[bool]:
    """The condition of entries that have not ended."""
    return and_(WaitingListEntry.appointment_id.is_(None), WaitingListEntry.withdrawn_at.is_(None))


def select_entries() -> Select:
    """Entries with patient, doctor, department and visit type. `booked_on` is the day of the first open appointment
    that the patient has on the wanted days, with such a doctor and visit type."""
    entry, withdrawer = WaitingListEntry, aliased(User)
    return (
        select(
            *(entry.id, entry.patient_id, entry.doctor_id, entry.department_id, entry.visit_type_id),
            *(entry.first_day, entry.last_day, entry.priority, entry.notes, entry.appointment_id),
            *(entry.withdrawn_at, entry.withdrawn_reason, entry.created_at, entry.updated_at, entry.version),
            display_name_column(User).label("doctor_name"),
            Department.name.label("department_name"),
            VisitType.name.label("visit_type_name"),
            display_name_column(withdrawer).label("withdrawn_by"),
            _booked_on().label("booked_on"),
            *IDENTITY,
        )
        .join(Patient, Patient.id == entry.patient_id)
        .outerjoin(User, User.id == entry.doctor_id)
        .outerjoin(withdrawer, withdrawer.id == entry.withdrawn_by_id)
        .outerjoin(Department, Department.id == entry.department_id)
        .outerjoin(VisitType, VisitType.id == entry.visit_type_id)
    )


def _booked_on() -> ColumnElement[date]:
    entry, booking, doctor = WaitingListEntry, aliased(Appointment), aliased(User)
    fits = (
        booking.patient_id == entry.patient_id,
        booking.status.in_([str(status) for status in OCCUPYING_STATUSES]),
        booking.date.between(entry.first_day, entry.last_day),
        or_(entry.doctor_id.is_(None), entry.doctor_id == booking.doctor_id),
        or_(entry.department_id.is_(None), entry.department_id == doctor.department_id),
        or_(entry.visit_type_id.is_(None), entry.visit_type_id == booking.visit_type_id),
    )
    first = select(func.min(booking.date)).join(doctor, doctor.id == booking.doctor_id).where(*fits)
    return first.correlate(entry).scalar_subquery()


def get_entry(entry_id: int) -> Row:
    """One entry; raises `NotFound`."""
    row = db.session.execute(select_entries().where(WaitingListEntry.id == entry_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


class EntryPage(NamedTuple):
    """A page of the list. `before` and `after` are the (priority, id) cursors of the neighbouring pages."""

    rows: list[Row]
    before: tuple[int, int] | None
    after: tuple[int, int] | None


def list_waiting(*, after: tuple[int, int] | None = None, before: tuple[int, int] | None = None) -> EntryPage:
    """A page of 25 of those who wait: the most urgent first, then who was put on the list first."""
    key, is_back = tuple_(WaitingListEntry.priority, WaitingListEntry.id), before is not None and after is None
    query = select_entries().where(is_waiting())
    if is_back:
        query = query.where(key < before).order_by(WaitingListEntry.priority.desc(), WaitingListEntry.id.desc())
    else:
        query = query.where(key > after) if after else query
        query = query.order_by(WaitingListEntry.priority, WaitingListEntry.id)
    fetched = db.session.execute(query.limit(PAGE_SIZE + 1)).all()
    page = cut_page(fetched, PAGE_SIZE, is_first=after is None, is_backward=is_back)
    first, last = ((row.priority, row.id) for row in (page.rows[0], page.rows[-1])) if page.rows else (None, None)
    return EntryPage(page.rows, first if page.has_previous else None, last if page.has_next else None)


@dataclass
class FreedPlace:
    """A time that was booked and is free again, with those who wait for it: the most urgent first, then who waits longest."""

    doctor_id: int
    doctor_name: str
    date: date
    time: time
    minutes: int
    entries: list[Row] = field(default_factory=list)


def list_freed_places(entry_id: int | None = None) -> list[FreedPlace]:
    """The places of the next three months that were cancelled or moved, can be booked now, and that somebody waits for, by
    time; with an `entry_id` only those for that entry."""
    now = clock.local(clock.now()).replace(tzinfo=None)
    values = {"today": now.date(), "until": now.date() + SEARCH_DAYS, "now": now, "entry_id": entry_id}
    pairs = db.session.execute(_pairs_statement(of_one=entry_id is not None), values).all()
    if not pairs:
        return []
    patient_ids, days = {row.patient_id for row in pairs}, [row.freed_date for row in pairs]
    timetables = load_timetables({row.freed_doctor_id for row in pairs}, min(days), max(days), patient_ids)
    places: dict[tuple[int, date, time], FreedPlace] = {}
    for row in pairs:
        minutes = row.type_minutes or row.freed_minutes
        wanted = SimpleNamespace(id=None, patient_id=row.patient_id, duration_minutes=minutes)
        timetable, target = timetables[row.freed_doctor_id], Target(row.freed_date, row.freed_time)
        if timetable.find_clash(wanted, target) is None:
            key = (row.freed_doctor_id, *target)
            place = places.setdefault(key, FreedPlace(key[0], row.freed_doctor_name, *target, row.freed_minutes))
            if len(place.entries) < MAX_ENTRIES and all(entry.id != row.id for entry in place.entries):
                place.entries.append(row)
    return list(places.values())[:MAX_PLACES]


@cache
def _pairs_statement(*, of_one: bool) -> Select:
    """Each time that was cancelled or moved, with each entry that wants it."""
    freed, doctor = aliased(Appointment), aliased(User)
    entry, at = WaitingListEntry, freed.date + freed.time
    matches = and_(
        freed.date.between(entry.first_day, entry.last_day),
        or_(entry.doctor_id.is_(None), entry.doctor_id == freed.doctor_id),
        freed.patient_id != entry.patient_id,
    )
    query = (
        select_entries()
        .add_columns(
            freed.doctor_id.label("freed_doctor_id"),
            display_name_column(doctor).label("freed_doctor_name"),
            freed.date.label("freed_date"),
            freed.time.label("freed_time"),
            freed.duration_minutes.label("freed_minutes"),
            VisitType.minutes.label("type_minutes"),
            func.dense_rank()
            .over(partition_by=(freed.doctor_id, freed.date, freed.time), order_by=(entry.priority, entry.id))
            .label("nth"),
        )
        .join(freed, matches)
        .join(doctor, doctor.id == freed.doctor_id)
        .join(Role, Role.id == doctor.role_id)
        .where(
            is_waiting(),
            freed.status.in_((Status.CANCELLED.value, Status.RESCHEDULED.value)),
            freed.date.between(bindparam("today"), bindparam("until")),
            at > bindparam("now"),
            doctor.is_active,
            Role.code == "doctor",
            or_(entry.department_id.is_(None), entry.department_id == doctor.department_id),
        )
    )
    pair = (query.where(entry.id == bindparam("entry_id")) if of_one else query).subquery().c
    first = select(*pair).where(pair.nth <= MAX_TRIED)
    return first.order_by(pair.freed_date, pair.freed_time, pair.freed_doctor_id, pair.nth).limit(MAX_PAIRS)


def find_open_entry(patient_id: int, wanted: tuple[int | None, int | None, int | None]) -> int | None:
    """The id of the entry with which the patient waits for the same doctor, department and visit type; None without one."""
    columns = (WaitingListEntry.doctor_id, WaitingListEntry.department_id, WaitingListEntry.visit_type_id)
    same = [column.is_not_distinct_from(value) for column, value in zip(columns, wanted, strict=True)]
    query = select(WaitingListEntry.id).where(WaitingListEntry.patient_id == patient_id, is_waiting(), *same)
    return db.session.scalars(query.limit(1)).first()
