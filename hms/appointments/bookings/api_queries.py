"""The rows of the API: bookings as programs read them, one or a list."""

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

ORDERINGS = {
    "date": (Appointment.date, Appointment.time, Appointment.id),
    "-date": (Appointment.date.desc(), Appointment.time.desc(), Appointment.id.desc()),
    "id": (Appointment.id,),
    "-id": (Appointment.id.desc(),),
    "created_at": (Appointment.created_at, Appointment.id),
    "-created_at": (Appointment.created_at.desc(), Appointment.id.desc()),
}
"""What the API's list may be ordered by."""


def _filter_conditions(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """The bookings asked for: of a patient or doctor, in a state, on days (both included), or still to come. Each value is
    bound by its name."""
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
    """Scheduled for `wall`, the time on the hospital's wall, or later; the day by itself is for the index."""
    at = Appointment.date + Appointment.time
    return and_(Appointment.status == Status.SCHEDULED.value, Appointment.date >= cast(wall, Date), at >= wall)


def list_appointments(limit: int, offset: int, *, who: Person, filters: Mapping[str, Any], order: str) -> Result:
    """Bookings that `who` may know of and that fit, in one of `ORDERINGS`."""
    values = {"limit": limit, "offset": offset} | reader_values(who) | filters
    return db.session.execute(_list_statement(kind=reader_kind(who), names=_names_of_filters(filters), order=order), values)


def _names_of_filters(filters: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, value in filters.items() if value is not None)


@cache
def _list_statement(*, kind: ReaderKind, names: frozenset[str], order: str) -> Select:
    whole = _count_statement(kind=kind, names=names).correlate(None).scalar_subquery().label("whole")
    listed = _select_rows(kind.reader()).add_columns(whole).where(*_filter_conditions(names))
    return listed.order_by(*ORDERINGS[order]).limit(bindparam("limit")).offset(bindparam("offset"))


def count_appointments(*, who: Person, filters: Mapping[str, Any]) -> int:
    """How many bookings `who` may know of fit."""
    count = _count_statement(kind=reader_kind(who), names=_names_of_filters(filters))
    return db.session.execute(count, reader_values(who) | filters).scalar_one()


@cache
def _count_statement(*, kind: ReaderKind, names: frozenset[str]) -> Select:
    known = (Appointment.withdrawn_at.is_(None), *policy.own_rows(kind.reader(), Appointment.patient_id))
    return select(func.count(Appointment.id)).where(*known, *_filter_conditions(names))


def _select_rows(who: Reader) -> Select:
    query = select_bookings().add_columns(Appointment.version, Appointment.created_at, Appointment.updated_at)
    return query.where(*policy.own_rows(who, Appointment.patient_id))


def get_appointment(appointment_id: int, who: Person) -> Row:
    """One booking as the API shows it to `who`, or `NotFound`."""
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
