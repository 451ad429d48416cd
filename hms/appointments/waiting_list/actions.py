"""Put a patient on the waiting list, take one off, and book a free place for one."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from hms.appointments.bookings import actions as bookings
from hms.appointments.bookings.actions import lock_patient
from hms.appointments.enums import Priority, parse_priority
from hms.appointments.models import Appointment, VisitType, WaitingListEntry
from hms.appointments.visit_types.queries import get_open_visit_type
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field, clean_reason
from hms.core.text.translation import N_
from hms.patients.death.actions import death_listeners
from hms.patients.death.rules import PATIENT_DIED
from hms.patients.merging.actions import pair_guards
from hms.patients.records.actions import withdrawal_guards
from hms.staff import directory
from hms.staff.departments.queries import check_open_department

from . import queries, rules


@action(Permission.BOOK, "appointments.add_to_waiting_list")
def add_to_waiting_list(
    *,
    patient_id: int,
    first_day: dt.date,
    last_day: dt.date,
    doctor_id: int | None = None,
    department_id: int | None = None,
    visit_type_id: int | None = None,
    priority: int = Priority.STANDARD,
    notes: str = "",
    by: Person,
) -> WaitingListEntry:
    """Let a patient wait for a place with a doctor, in a department, or for a type of visit, on a day from `first_day` to
    `last_day`. Raises `Conflict` when the patient waits for the same already."""
    lock_patient(patient_id)
    wanted = (doctor_id, department_id, visit_type_id)
    if wanted == (None, None, None):
        raise RuleBroken(N_("Choose a doctor, a department or a visit type."), "doctor")
    rules.check_days(first_day, last_day, clock.today())
    if doctor_id is not None and directory.doctor(doctor_id) is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "doctor", id=doctor_id)
    check_open_department(department_id, "department")
    if visit_type_id is not None:
        get_open_visit_type(visit_type_id)
    if queries.find_open_entry(patient_id, wanted) is not None:
        raise Conflict(
            N_("This patient is already on the waiting list for the same."), "patient", code="already_waiting"
        )
    entry = WaitingListEntry(
        patient_id=patient_id,
        doctor_id=doctor_id,
        department_id=department_id,
        visit_type_id=visit_type_id,
        first_day=first_day,
        last_day=last_day,
        priority=int(parse_priority(priority)),
        notes=clean_field(notes, "notes", longest=rules.MAX_NOTES_LENGTH),
        added_by_id=by.id,
    )
    db.session.add(entry)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return entry


@action(Permission.BOOK, "appointments.book_from_waiting_list")
def book_from_waiting_list(
    entry_id: int,
    *,
    doctor_id: int,
    date: dt.date,
    time: dt.time,
    duration_minutes: int | None = None,
    by: Person,
) -> Appointment:
    """Book a place for a patient of the waiting list, which ends the entry; the length is that of the visit type, if one is
    waited for. Raises `SlotTaken` when the place is gone, and `Conflict` when the entry has ended."""
    entry = get_for_update(WaitingListEntry, entry_id)
    rules.check_is_waiting(entry)
    doctor = directory.doctor(doctor_id)
    rules.check_wanted(entry, doctor_id, doctor.department_id if doctor else None, date)
    visit_type = db.session.get(VisitType, entry.visit_type_id) if entry.visit_type_id else None
    booking = bookings.book(
        patient_id=entry.patient_id,
        doctor_id=doctor_id,
        date=date,
        time=time,
        duration_minutes=visit_type.minutes if visit_type else duration_minutes,
        visit_type_id=entry.visit_type_id,
        notes=entry.notes,
        by=by,
    )
    entry.appointment_id = booking.id
    entry.increment_version()
    db.session.flush()
    return booking


@action(Permission.BOOK, "appointments.withdraw_from_waiting_list")
def withdraw_from_waiting_list(entry_id: int, *, reason: str, by: Person) -> WaitingListEntry:
    """Take an entry off the waiting list. Raises `RuleBroken` without a reason, and `Conflict` when the entry has ended."""
    entry = get_for_update(WaitingListEntry, entry_id)
    rules.check_is_waiting(entry)
    entry.withdrawn_reason = clean_reason(reason, longest=rules.MAX_REASON_LENGTH)
    entry.withdrawn_at, entry.withdrawn_by_id = clock.now(), by.id
    entry.increment_version()
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return entry


def _end_entries(patient_id: int) -> None:
    """End what a patient who has died waits for."""
    mine = select(WaitingListEntry).where(WaitingListEntry.patient_id == patient_id, queries.is_waiting())
    for entry in db.session.scalars(mine.order_by(WaitingListEntry.id).with_for_update()):
        entry.withdrawn_at, entry.withdrawn_reason = clock.now(), PATIENT_DIED
        entry.increment_version()
        publish(Event.APPOINTMENTS_CHANGED)
    db.session.flush()


def _check_not_waiting(patient_id: int) -> None:
    waiting = select(WaitingListEntry.id).where(WaitingListEntry.patient_id == patient_id, queries.is_waiting())
    if db.session.scalars(waiting.limit(1)).first() is not None:
        message = N_("This patient is on the waiting list for an appointment. Take the entry off the list first.")
        raise Conflict(message, code="waiting")


def _check_not_waiting_twice(kept_id: int, merged_id: int) -> None:
    other = aliased(WaitingListEntry)
    wanted = (WaitingListEntry.doctor_id, WaitingListEntry.department_id, WaitingListEntry.visit_type_id)
    same = [column.is_not_distinct_from(getattr(other, column.key)) for column in wanted]
    both = (
        select(WaitingListEntry.id)
        .join(other, and_(other.patient_id == merged_id, *same))
        .where(
            WaitingListEntry.patient_id == kept_id,
            queries.is_waiting(),
            other.appointment_id.is_(None),
            other.withdrawn_at.is_(None),
        )
    )
    if db.session.scalars(both.limit(1)).first() is not None:
        message = N_("Both records wait for the same place. Take one of the two entries off the waiting list first.")
        raise Conflict(message, code="waiting_twice")


withdrawal_guards.append(_check_not_waiting)
pair_guards.append(_check_not_waiting_twice)
death_listeners.append(_end_entries)
