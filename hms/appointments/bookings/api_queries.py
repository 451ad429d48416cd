"""Reads of bookings for the JSON API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Result, Row, Select, and_, bindparam, cast, func, select

from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values

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
ORDERINGS = {name: (*columns, Appointment.id) for name, columns in COLUMNS.items()} | {
    f"-{name}": tuple(column.desc() for column in (*columns, Appointment.id)) for name, columns in COLUMNS.items()
}
"""The orderings of the API's list; a minus sign before the name reverses them."""


def _filter_conditions(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """Conditions for the filters in `names`: patient, doctor, status, first and last day, or upcoming. Each value is a
    bound parameter of that name."""
    conditions: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "patient_id": lambda patient_id: Appointment.patient_id == patient_id,
        "doctor_id": lambda doctor_id: Appointment.doctor_id == doctor_id,
        "status": lambda status: Appointment.status == status,
        "first": lambda first: Appointment.date >= first,
        "last": lambda last: Appointment.date <= last,
        "since": _is_upcoming,
    }
    return [condition(bindparam(name)) for name, condition in conditions.items() if name in names]


def _is_upcoming(wall: Any) -> ColumnElement[bool]:
    """Scheduled for `wall` (hospital time) or later. The condition on the date alone uses the index."""
    at = Appointment.date + Appointment.time
    return and_(Appointment.status == Status.SCHEDULED.value, Appointment.date >= cast(wall, Date), at >= wall)


def list_appointments(limit: int, offset: int, *, who: Person, filters: Mapping[str, Any], order: str) -> Result:
    """Bookings visible to `who` that match `filters`, in one of `ORDERINGS`."""
    values = {"limit": limit, "offset": offset} | reader_values(who) | filters
    return db.session.execute(
        _list_statement(kind=reader_kind(who), names=_names_of_filters(filters), order=order), values
    )


def _names_of_filters(filters: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, value in filters.items() if value is not None)


@cache
def _list_statement(*, kind: ReaderKind, names: frozenset[str], order: str) -> Select:
    whole = _count_statement(kind=kind, names=names).correlate(None).scalar_subquery().label("whole")
    query = _select_rows(kind.reader()).add_columns(whole).where(*_filter_conditions(names))
    return query.order_by(*ORDERINGS[order]).limit(bindparam("limit")).offset(bindparam("offset"))


def count_appointments(*, who: Person, filters: Mapping[str, Any]) -> int:
    """Count the bookings visible to `who` that match `filters`."""
    count = _count_statement(kind=reader_kind(who), names=_names_of_filters(filters))
    return db.session.execute(count, reader_values(who) | filters).scalar_one()


@cache
def _count_statement(*, kind: ReaderKind, names: frozenset[str]) -> Select:
    visible = (Appointment.withdrawn_at.is_(None), *policy.own_rows(kind.reader(), Appointment.patient_id))
    return select(func.count(Appointment.id)).where(*visible, *_filter_conditions(names))


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
