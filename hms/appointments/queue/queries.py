"""Reads of the queue: entries, counts, called tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import NamedTuple

from sqlalchemy import Row, Select, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from hms.appointments import enums
from hms.appointments.enums import QueueStatus
from hms.appointments.models import CALLING_ORDER, Appointment, QueueEntry, calling_order
from hms.core import clock
from hms.core.db.fixed_words import fixed_number, fixed_words
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.patients.identity.columns import IDENTITY, Identified
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User

from . import rules

FIRST_ROWS = 30
"""Rows shown at first; each open page fetches them again when the queue changes."""
ALL_ROWS = 1_000
MAX_CALLS_SHOWN = 4
MAX_NEXT_SHOWN = 8
GROUPS = {
    "waiting": (QueueStatus.WAITING.value, QueueStatus.CALLED.value),
    "with_staff": (QueueStatus.IN_SERVICE.value,),
    "done": (QueueStatus.DONE.value, QueueStatus.LEFT.value),
}


@dataclass(slots=True)
class Entry(Identified):
    """One row of the queue. `same_name_count` counts the others of the same name in this group, shown or not."""

    id: int
    token: int
    patient_id: int
    appointment_id: int | None
    doctor_id: int | None
    priority: int
    status: str
    arrived_at: datetime
    called_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    booked_time: time | None
    doctor_name: str | None
    room: str | None
    held_at: datetime | None
    hold_reason: str
    line_priority: int
    line_at: datetime
    can_undo: bool
    same_name_count: int = 0
    is_long_wait: bool = False

    @property
    def is_waiting(self) -> bool:
        return self.status == QueueStatus.WAITING

    @property
    def is_called(self) -> bool:
        return self.status == QueueStatus.CALLED


def _entries() -> Select:
    return (
        select(
            *IDENTITY,
            QueueEntry.id,
            QueueEntry.token,
            QueueEntry.patient_id,
            QueueEntry.appointment_id,
            QueueEntry.doctor_id,
            QueueEntry.priority,
            QueueEntry.status,
            QueueEntry.arrived_at,
            QueueEntry.called_at,
            QueueEntry.started_at,
            QueueEntry.ended_at,
            Appointment.time.label("booked_time"),
            display_name_column().label("doctor_name"),
            User.room,
            QueueEntry.held_at,
            QueueEntry.hold_reason,
            *(column.label(name) for column, name in zip(CALLING_ORDER, ("line_priority", "line_at"), strict=False)),
            QueueEntry.last_step.is_not(None).label("can_undo"),
        )
        .join(Patient, Patient.id == QueueEntry.patient_id)
        .outerjoin(Appointment, Appointment.id == QueueEntry.appointment_id)
        .outerjoin(User, User.id == QueueEntry.doctor_id)
    )


def list_entries(
    day: date | None = None, *, show: str = "waiting", doctor_id: int | None = None, limit: int = ALL_ROWS
) -> list[Entry]:
    """The queue of `day` (default today) in calling order, "done" latest first.

    `show` is "waiting" (called ones included, those on hold last), "with_staff" or "done". With `doctor_id` only that
    doctor's patients and those who wait for any doctor.
    """
    rows = db.session.execute(
        _board(show=show, of_doctor=doctor_id is not None),
        {"day": day or clock.today(), "doctor_id": doctor_id, "limit": limit},
    )
    entries, now, limit_minutes = [Entry(*row) for row in rows], clock.now(), settings.value("queue.long_wait_minutes")
    for entry in entries:
        entry.is_long_wait = entry.is_waiting and rules.is_long_wait(entry.arrived_at, now, limit_minutes)
    return entries


@cache
def _board(*, show: str, of_doctor: bool) -> Select:
    day, doctor_id = bindparam("day"), bindparam("doctor_id")
    same_name = (func.count().over(partition_by=Patient.sort_name) - 1).label("same_name_count")
    query = _entries().add_columns(same_name)
    query = query.where(QueueEntry.service_date == day, QueueEntry.status.in_(fixed_words(GROUPS[show])))
    query = query.limit(fixed_number("limit"))
    if of_doctor:
        query = query.where(or_(QueueEntry.doctor_id == doctor_id, QueueEntry.doctor_id.is_(None)))
    if show == "done":
        return query.order_by(QueueEntry.ended_at.desc(), QueueEntry.id.desc())
    return query.order_by(QueueEntry.held_at.is_not(None), *CALLING_ORDER)


def get_entry(entry_id: int) -> Entry:
    """One queue entry; raises `NotFound`."""
    row = db.session.execute(_entry(), {"entry_id": entry_id}).one_or_none()
    if row is None:
        raise NotFound(N_("This queue entry does not exist."))
    return Entry(*row)


@cache
def _entry() -> Select:
    entry_id = bindparam("entry_id")
    return _entries().where(QueueEntry.id == entry_id)


class QueueCounts(NamedTuple):
    waiting: int
    with_staff: int
    done: int


def count_entries(day: date | None = None, doctor_id: int | None = None) -> QueueCounts:
    """Count the entries of each group; of all, or of one doctor and the unassigned."""
    return QueueCounts(
        *db.session.execute(
            _counts(of_doctor=doctor_id is not None), {"day": day or clock.today(), "doctor_id": doctor_id}
        ).one()
    )


@cache
def _counts(*, of_doctor: bool) -> Select:
    day, doctor_id = bindparam("day"), bindparam("doctor_id")
    filters = [func.count().filter(QueueEntry.status.in_(GROUPS[group])) for group in QueueCounts._fields]
    query = select(*filters).where(QueueEntry.service_date == day)
    if of_doctor:
        query = query.where(or_(QueueEntry.doctor_id == doctor_id, QueueEntry.doctor_id.is_(None)))
    return query


def count_ahead(entry_id: int) -> int:
    """Count the patients who wait to be called before this one."""
    this, others = aliased(QueueEntry), QueueEntry
    query = (
        select(func.count())
        .select_from(this)
        .join(others, others.service_date == this.service_date)
        .where(
            this.id == entry_id,
            others.status == QueueStatus.WAITING.value,
            others.held_at.is_(None),
            tuple_(*calling_order(others)) < tuple_(*calling_order(this)),
            or_(others.doctor_id.is_not_distinct_from(this.doctor_id), others.doctor_id.is_(None)),
        )
    )
    return db.session.execute(query).scalar_one()


def get_current_entry(patient_id: int) -> Row | None:
    """The patient's entry in today's queue: id, token, status and doctor_name; None when not in it."""
    query = (
        select(QueueEntry.id, QueueEntry.token, QueueEntry.status, display_name_column().label("doctor_name"))
        .outerjoin(User, User.id == QueueEntry.doctor_id)
        .where(
            QueueEntry.patient_id == patient_id,
            QueueEntry.service_date == clock.today(),
            QueueEntry.status.in_(enums.IN_QUEUE_STATUSES),
        )
    )
    return db.session.execute(query).one_or_none()


def list_next_tokens(*, doctor_id: int | None = None, limit: int = MAX_NEXT_SHOWN) -> list[Row]:
    """The first tokens that wait to be called today, with room and doctor; with `doctor_id` only those of that doctor and
    those for any. No patient names, as `list_last_calls`."""
    query = (
        select(QueueEntry.id, QueueEntry.token, User.room, display_name_column().label("doctor_name"))
        .outerjoin(User, User.id == QueueEntry.doctor_id)
        .where(
            QueueEntry.service_date == clock.today(),
            QueueEntry.status == QueueStatus.WAITING.value,
            QueueEntry.held_at.is_(None),
        )
        .order_by(*CALLING_ORDER)
    )
    if doctor_id is not None:
        query = query.where(or_(QueueEntry.doctor_id == doctor_id, QueueEntry.doctor_id.is_(None)))
    return list(db.session.execute(query.limit(limit)))


def list_last_calls(*, doctor_id: int | None = None, limit: int = MAX_CALLS_SHOWN) -> list[Row]:
    """Tokens called today with room and doctor, latest first; with `doctor_id` only that doctor's. No patient names, because
    the waiting room sees them."""
    caller = func.coalesce(QueueEntry.doctor_id, QueueEntry.called_by_id)
    query = (
        select(
            QueueEntry.id,
            QueueEntry.token,
            QueueEntry.status,
            QueueEntry.called_at,
            User.room,
            display_name_column().label("doctor_name"),
        )
        .outerjoin(User, User.id == caller)
        .where(
            QueueEntry.service_date == clock.today(),
            QueueEntry.called_at.is_not(None),
            QueueEntry.status.in_((QueueStatus.CALLED.value, QueueStatus.IN_SERVICE.value)),
        )
        .order_by(QueueEntry.called_at.desc(), QueueEntry.id.desc())
    )
    if doctor_id is not None:
        query = query.where(caller == doctor_id)
    return list(db.session.execute(query.limit(limit)))
