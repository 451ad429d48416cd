"""Reads of bookings for the JSON API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, Select, and_, bindparam, cast, select

from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core.db import row_counts
from hms.core.db.keyset import Order, OrderedSelect, Part, select_part
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values
from hms.staff.models import User

from .queries import select_bookings

COLUMNS = {
    "id": (),
    "date": (Appointment.date, Appointment.time),
    "appointment_date": (Appointment.date, Appointment.time),
    "time": (Appointment.time, Appointment.date),
    "appointment_time": (Appointment.time, Appointment.date),
    "created_at": (Appointment.created_at,),
    "updated_at": (Appointment.updated_at,),
}
"""The orderings of the API's list; a minus sign before the name reverses them."""


def _order(name: str) -> Order:
    return Order(*COLUMNS[name.removeprefix("-")], Appointment.id, is_descending=name.startswith("-"))


def _filter_conditions(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """Conditions for the filters in `names`: patient, doctor, department, status, visit type, whether the booking was moved to
    another time, first and last day, or upcoming. Each value is a bound parameter of that name."""
    conditions: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "patient_id": lambda patient_id: Appointment.patient_id == patient_id,
        "doctor_id": lambda doctor_id: Appointment.doctor_id == doctor_id,
        "status": lambda status: Appointment.status == status,
        "visit_type_id": lambda visit_type_id: Appointment.visit_type_id == visit_type_id,
        "department_id": lambda department_id: Appointment.doctor_id.in_(
            select(User.id).where(User.department_id == department_id)
        ),
        "is_moved": lambda is_moved: (Appointment.status == Status.RESCHEDULED.value) == is_moved,
        "first": lambda first: Appointment.date >= first,
        "last": lambda last: Appointment.date <= last,
        "since": _is_upcoming,
    }
    return [condition(bindparam(name)) for name, condition in conditions.items() if name in names]


def _is_upcoming(wall: Any) -> ColumnElement[bool]:
    """Scheduled for `wall` (hospital time) or later. The condition on the date alone uses the index."""
    at = Appointment.date + Appointment.time
    return and_(Appointment.status == Status.SCHEDULED.value, Appointment.date >= cast(wall, Date), at >= wall)


def list_appointments(*, who: Person, filters: Mapping[str, Any], order: str) -> OrderedSelect:
    """Bookings visible to `who` that match `filters`, in one of the orderings of `COLUMNS`."""
    kind, names = reader_kind(who), frozenset(name for name, value in filters.items() if value is not None)
    return OrderedSelect(
        _order(order),
        lambda part, is_backward: _list_statement(
            kind=kind, names=names, order=order, part=part, is_backward=is_backward
        ),
        lambda: _select_ids(kind=kind, names=names),
        reader_values(who) | filters,
        is_kept=True,
    )


@cache
def _list_statement(*, kind: ReaderKind, names: frozenset[str], order: str, part: Part, is_backward: bool) -> Select:
    query = _select_rows(kind.reader()).where(*_filter_conditions(names))
    if part is Part.ALL:
        whole = row_counts.select_bounded_count(_select_ids(kind=kind, names=names))
        query = query.add_columns(whole.scalar_subquery().label("whole"))
    return select_part(query, _order(order), part, is_backward=is_backward, keeps_plan=not names)


@cache
def _select_ids(*, kind: ReaderKind, names: frozenset[str]) -> Select:
    visible = (Appointment.withdrawn_at.is_(None), *policy.own_rows(kind.reader(), Appointment.patient_id))
    return select(Appointment.id).where(*visible, *_filter_conditions(names))


def _select_rows(who: Reader) -> Select:
    query = select_bookings().add_columns(Appointment.version, Appointment.created_at, Appointment.updated_at)
    return query.where(*policy.own_rows(who, Appointment.patient_id))


def get_appointment(appointment_id: int, who: Person) -> Row:
    """One booking visible to `who`; raises `NotFound`."""
    row = db.session.execute(
        _one_statement(kind=reader_kind(who)), {"appointment_id": appointment_id} | reader_values(who)
    ).one_or_none()
    if row is None:
        raise NotFound("No Appointment matches the given query.")
    return row


@cache
def _one_statement(*, kind: ReaderKind) -> Select:
    appointment_id = bindparam("appointment_id")
    who = kind.reader()
    return _select_rows(who).where(Appointment.id == appointment_id)
