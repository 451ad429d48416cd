"""Reads of patients for the JSON API."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Result, Select, bindparam, case, column, func, literal, select, table, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.web.parameters import Bounds, BoundsShape
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values
from hms.patients.models import Allergy, Patient
from hms.patients.search.conditions import SearchConditions, SearchShape
from hms.patients.search.query_parser import SearchQuery

from .banner import reads_allergies

RECENT = timedelta(days=30)
# This desk may not import appointments, so the two needed columns of its table are declared here.
_APPOINTMENT = table("appointment", column("patient_id"), column("date"))

COLUMNS = {
    "id": Patient.id,
    "created_at": Patient.created_at,
    "updated_at": Patient.updated_at,
    "unique_id": Patient.number,
    "last_name": Patient.sort_name,
    "first_name": Patient.given_names,
    "date_of_birth": Patient.birth_date,
}
"""The orderings of the API's list; a minus sign before the name reverses them."""


def list_patients(limit: int, offset: int, *, query: SearchQuery, days: Bounds, order: str, who: Person) -> Result:
    """Active patients that match `query` and were registered within `days` (UTC), with the API's columns; substances only
    for those who may read them. `is_open`: whether the content of the record is open to `who`.
    """
    conditions = SearchConditions.of(query)
    listed = _listed(
        with_substances=reads_allergies(who),
        kind=reader_kind(who),
        shape=conditions.shape(),
        days=days.shape(),
        order=order,
    )
    values = {"limit": limit, "offset": offset, "since": clock.today() - RECENT}
    return db.session.execute(listed, values | _values(conditions, days, who))


def _values(conditions: SearchConditions, days: Bounds, who: Person) -> dict[str, Any]:
    return reader_values(who) | conditions.values() | days.values()


@cache
def _listed(*, with_substances: bool, kind: ReaderKind, shape: SearchShape, days: BoundsShape, order: str) -> Select:
    limit, offset, key = bindparam("limit"), bindparam("offset"), COLUMNS[order.removeprefix("-")]
    rows = _rows(bindparam("since"), with_substances=with_substances, who=kind.reader())
    rows = rows.order_by(*_by(order, key, Patient.id))
    if shape == SearchConditions().shape():  # everybody, or the days of registration alone
        whole = _counting(kind=kind, shape=shape, days=days).correlate(None).scalar_subquery()
        rows = rows.where(*days.conditions(Patient.created_at)).limit(limit).offset(offset)
    else:
        # Found once, for the page and for the count; else the page walks over everybody in order.
        matches = _fitting(Patient.id, key.label("key"), kind=kind, shape=shape, days=days).cte("matches")
        page = select(matches.c.id).order_by(*_by(order, matches.c.key, matches.c.id)).limit(limit).offset(offset)
        whole = select(func.count()).select_from(matches).scalar_subquery()
        rows = rows.where(Patient.id.in_(page))
    return rows.add_columns(whole.label("whole"))


def _by(order: str, *columns: Any) -> list[Any]:
    return [column.desc() if order.startswith("-") else column for column in columns]


def count_patients(query: SearchQuery, days: Bounds, who: Person) -> int:
    """Count the active patients visible to `who` that match the query and the days."""
    conditions = SearchConditions.of(query)
    count = _counting(kind=reader_kind(who), shape=conditions.shape(), days=days.shape())
    return db.session.execute(count, _values(conditions, days, who)).scalar_one()


def _fitting(*columns: Any, kind: ReaderKind, shape: SearchShape, days: BoundsShape) -> Select:
    visible = (Patient.status == "active", *policy.own_rows(kind.reader(), Patient.id))
    return select(*columns).where(*visible, shape.conditions().condition(), *days.conditions(Patient.created_at))


@cache
def _counting(*, kind: ReaderKind, shape: SearchShape, days: BoundsShape) -> Select:
    return _fitting(func.count(Patient.id), kind=kind, shape=shape, days=days)


def _rows(since: Any, *, with_substances: bool, who: Reader, statuses: tuple[str, ...] = ("active",)) -> Select:
    # A LIMIT keeps the planner from reading the bookings of a month for the sake of a few patients.
    booked = select(true()).where(
        _APPOINTMENT.c.patient_id == Patient.id, _APPOINTMENT.c.date.between(since, who.at.reader_today)
    )
    recent = booked.limit(1).scalar_subquery().is_not(None)
    columns = [Patient.__table__.c[name] for name in ROW]
    return select(
        *columns,
        recent.label("has_recent_appointment"),
        (_substances() if with_substances else literal("")).label("known_allergies"),
        policy.readable_by(who, Patient.id).label("is_open"),
    ).where(_has_status(statuses), *policy.own_rows(who, Patient.id))


def _has_status(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    return Patient.status == statuses[0] if len(statuses) == 1 else Patient.status.in_(statuses)


ROW = (
    *("id", "hospital_number", "given_names", "family_name", "birth_date", "sex", "phone", "address"),
    *("created_at", "updated_at", "version", "is_restricted", "status", "withdrawn_reason"),
)


def _substances() -> Any:
    """Active substances joined by commas; "None" when the patient was asked and has none; empty when not asked."""
    joined = (
        select(func.string_agg(Allergy.substance, aggregate_order_by(literal(", "), Allergy.id)))
        .where(Allergy.patient_id == Patient.id, Allergy.status == "active")
        .scalar_subquery()
    )
    return case(
        (Patient.allergy_status == "known", func.coalesce(joined, "")),
        (Patient.allergy_status == "none_known", "None"),
        else_="",
    )


def get_patient(patient_id: int, who: Person) -> Any:
    """The API's row of one patient; raises `NotFound`, also for a withdrawn record that `who` may not see."""
    since = clock.today() - RECENT
    patient = db.session.execute(
        _row(with_substances=reads_allergies(who), kind=reader_kind(who)),
        {"patient_id": patient_id, "since": since} | reader_values(who),
    ).one_or_none()
    if patient is None:
        raise NotFound("No Patient matches the given query.")
    return patient


@cache
def _row(*, with_substances: bool, kind: ReaderKind) -> Select:
    patient_id, since = bindparam("patient_id"), bindparam("since")
    who = kind.reader()
    statuses = ("active", "withdrawn") if kind.sees_withdrawn else ("active",)
    return _rows(since, with_substances=with_substances, who=who, statuses=statuses).where(Patient.id == patient_id)


def get_patients(patient_ids: list[int], who: Person) -> list[Any]:
    """The API's rows of these patients."""
    since = clock.today() - RECENT
    return list(
        db.session.execute(
            _rows_of(with_substances=reads_allergies(who), kind=reader_kind(who)),
            {"patient_ids": patient_ids, "since": since} | reader_values(who),
        )
    )


@cache
def _rows_of(*, with_substances: bool, kind: ReaderKind) -> Select:
    patient_ids, since = bindparam("patient_ids"), bindparam("since")
    who = kind.reader()
    return _rows(since, with_substances=with_substances, who=who).where(Patient.id.in_(patient_ids))
