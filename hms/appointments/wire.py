"""The rows of the API: bookings as programs read them, one or a list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Result, Row, Select, and_, bindparam, cast, func, select

from hms.core.db import db
from hms.core.errors import NotFound
from hms.core.people import Person
from hms.patients import access
from hms.patients.reader import Reader, ReaderKind, reader, reader_kind, reader_values

from .daylist import bookings
from .models import Appointment
from .rules import Status

ORDERINGS = {
    "date": (Appointment.date, Appointment.time, Appointment.id),
    "-date": (Appointment.date.desc(), Appointment.time.desc(), Appointment.id.desc()),
    "id": (Appointment.id,),
    "-id": (Appointment.id.desc(),),
    "created_at": (Appointment.created_at, Appointment.id),
    "-created_at": (Appointment.created_at.desc(), Appointment.id.desc()),
}
"""What the API's list may be ordered by."""


def _fits(asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The bookings asked for: of a patient or doctor, in a state, on days (both included), or still to come."""
    conditions = {
        "patient_id": lambda patient_id: Appointment.patient_id == patient_id,
        "doctor_id": lambda doctor_id: Appointment.doctor_id == doctor_id,
        "status": lambda status: Appointment.status == status,
        "first": lambda first: Appointment.date >= first,
        "last": lambda last: Appointment.date <= last,
        "since": _still_to_come,
    }
    return [conditions[name](value) for name, value in asked.items() if value is not None]


def _still_to_come(wall: Any) -> ColumnElement[bool]:
    """Scheduled for `wall`, the time on the hospital's wall, or later; the day by itself is for the index."""
    at = Appointment.date + Appointment.time
    return and_(Appointment.status == Status.SCHEDULED.value, Appointment.date >= cast(wall, Date), at >= wall)


def rows(limit: int, offset: int, *, who: Person, asked: Mapping[str, Any], order: str) -> Result:
    """Bookings that `who` may know of and that fit, in one of `ORDERINGS`."""
    return db.session.execute(_listed(limit, offset, who=reader(who), asked=asked, order=order))


def _listed(limit: Any, offset: Any, *, who: Reader, asked: Mapping[str, Any], order: str) -> Select:
    whole = _counting(who=who, asked=asked).correlate(None).scalar_subquery().label("whole")
    listed = _rows(who).add_columns(whole).where(*_fits(asked))
    return listed.order_by(*ORDERINGS[order]).limit(limit).offset(offset)


def number_of(*, who: Person, asked: Mapping[str, Any]) -> int:
    """How many bookings `who` may know of fit."""
    return db.session.execute(_counting(who=reader(who), asked=asked)).scalar_one()


def _counting(*, who: Reader, asked: Mapping[str, Any]) -> Select:
    known = (Appointment.withdrawn_at.is_(None), *access.own_rows(who, Appointment.patient_id))
    return select(func.count(Appointment.id)).where(*known, *_fits(asked))


def _rows(who: Reader) -> Select:
    query = bookings().add_columns(Appointment.version, Appointment.created_at, Appointment.updated_at)
    return query.where(*access.own_rows(who, Appointment.patient_id))


def one(appointment_id: int, who: Person) -> Row:
    """One booking as the API shows it to `who`, or `NotFound`."""
    row = db.session.execute(
        _one(kind=reader_kind(who)), {"appointment_id": appointment_id} | reader_values(who)
    ).one_or_none()
    if row is None:
        raise NotFound("No Appointment matches the given query.")
    return row


@cache
def _one(*, kind: ReaderKind) -> Select:
    appointment_id = bindparam("appointment_id")
    who = kind.reader()
    return _rows(who).where(Appointment.id == appointment_id)
