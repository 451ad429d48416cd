"""The rows of the API: patients as programs read them, one, some, or a list."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Result, Select, bindparam, case, column, func, literal, select, table, true
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
# The appointments desk stands above this one; of its table only these two columns are known here.
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
"""What the API's list may be ordered by; with a minus sign the other way round."""


def list_patients(limit: int, offset: int, *, asked: SearchQuery, days: Bounds, order: str, who: Person) -> Result:
    """Active patients that fit the line `asked` and were registered from `days` first to last (instants), with the API's
    columns; substances only for those who may read them. `is_open` says whether the content of the record is open to `who`.
    """
    sought = SearchConditions.of(asked)
    listed = _listed(
        with_substances=reads_allergies(who),
        kind=reader_kind(who),
        shape=sought.shape(),
        days=days.shape(),
        order=order,
    )
    values = {"limit": limit, "offset": offset, "since": clock.today() - RECENT}
    return db.session.execute(listed, values | _values(sought, days, who))


def _values(sought: SearchConditions, days: Bounds, who: Person) -> dict[str, Any]:
    return reader_values(who) | sought.values() | days.values()


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
        found = _fitting(Patient.id, key.label("key"), kind=kind, shape=shape, days=days).cte("found")
        page = select(found.c.id).order_by(*_by(order, found.c.key, found.c.id)).limit(limit).offset(offset)
        whole = select(func.count()).select_from(found).scalar_subquery()
        rows = rows.where(Patient.id.in_(page))
    return rows.add_columns(whole.label("whole"))


def _by(order: str, *columns: Any) -> list[Any]:
    return [column.desc() if order.startswith("-") else column for column in columns]


def count_patients(asked: SearchQuery, days: Bounds, who: Person) -> int:
    """How many active patients that `who` may know of fit the line and the days."""
    sought = SearchConditions.of(asked)
    count = _counting(kind=reader_kind(who), shape=sought.shape(), days=days.shape())
    return db.session.execute(count, _values(sought, days, who)).scalar_one()


def _fitting(*columns: Any, kind: ReaderKind, shape: SearchShape, days: BoundsShape) -> Select:
    known = (Patient.status == "active", *policy.own_rows(kind.reader(), Patient.id))
    return select(*columns).where(*known, shape.conditions().fits(), *days.conditions(Patient.created_at))


@cache
def _counting(*, kind: ReaderKind, shape: SearchShape, days: BoundsShape) -> Select:
    return _fitting(func.count(Patient.id), kind=kind, shape=shape, days=days)


def _rows(since: Any, *, with_substances: bool, who: Reader) -> Select:
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
    ).where(Patient.status == "active", *policy.own_rows(who, Patient.id))


ROW = (
    *("id", "hospital_number", "given_names", "family_name", "birth_date", "sex", "phone", "address"),
    *("created_at", "updated_at", "version", "is_restricted"),
)


def _substances() -> Any:
    """Active substances joined by commas; "None" when the patient was asked and has none; empty when nobody asked."""
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
    """One row of the API; `NotFound` when there is none."""
    since = clock.today() - RECENT
    found = db.session.execute(
        _row(with_substances=reads_allergies(who), kind=reader_kind(who)),
        {"patient_id": patient_id, "since": since} | reader_values(who),
    ).one_or_none()
    if found is None:
        raise NotFound("No Patient matches the given query.")
    return found


@cache
def _row(*, with_substances: bool, kind: ReaderKind) -> Select:
    patient_id, since = bindparam("patient_id"), bindparam("since")
    who = kind.reader()
    return _rows(since, with_substances=with_substances, who=who).where(Patient.id == patient_id)


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
