"""Looking up patients: one, the list by name, the rows of the API. Banner, `find` and `lookalikes` have their own files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Result, Select, any_, case, column, exists, func, literal, select, table, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import selectinload

from hms.core import clock
from hms.core.db import db, locked
from hms.core.errors import NotFound
from hms.core.people import Person
from hms.core.statements import begun_once, built_once
from hms.core.words import _
from hms.staff import queries as staff

from . import access
from .banner import banner, for_banner, patient_banner, reads_allergies, sorted_as
from .finding import BY_NAME, SHOWN, WHO, Hit, asked_for, find, fits, hit, shown_phone
from .lookalikes import Lookalike, lookalikes
from .models import Allergy, Patient
from .reader import Reader, reader

__all__ = [
    "WHO",
    "Hit",
    "Lookalike",
    "asked_for",
    "banner",
    "find",
    "fits",
    "for_banner",
    "hit",
    "lookalikes",
    "patient_banner",
    "reads_allergies",
    "shown_phone",
    "sorted_as",
]

PAGE = 25
RECENT = timedelta(days=30)
NO_PATIENT = _("No patient has this number here. The record may have been withdrawn.")
# The appointments desk stands above this one; of its table only these two columns are known here.
_APPOINTMENT = table("appointment", column("patient_id"), column("date"))


def patient(patient_id: int, *, with_allergies: bool = False) -> Patient:
    """The patient; `NotFound` when there is none or the record is withdrawn."""
    row = _active(patient_id, with_allergies=with_allergies).scalar_one_or_none()
    if row is None:
        raise NotFound(NO_PATIENT)
    return row


@built_once
def _active(patient_id: Any, *, with_allergies: bool) -> Select:
    query = select(Patient).where(Patient.id == patient_id, Patient.status == "active")
    return query.options(selectinload(Patient.allergies)) if with_allergies else query


def locked_patient(patient_id: int) -> Patient:
    """The patient with the row locked until the action ends; `NotFound` when there is none or it is withdrawn."""
    row = locked(Patient, patient_id)
    if row.status != "active":
        raise NotFound(NO_PATIENT)
    return row


def allergies(patient_id: int) -> list[Allergy]:
    """What the patient reacts to, as recorded and not withdrawn, oldest first."""
    return list(_allergies(patient_id).scalars())


@built_once
def _allergies(patient_id: Any) -> Select:
    return select(Allergy).where(Allergy.patient_id == patient_id, Allergy.status == "active").order_by(Allergy.id)


@dataclass
class NamePage:
    """One page of the list by name. `before` and `after` are the ids with which the neighbouring pages are asked for."""

    rows: list[Any]
    before: int | None
    after: int | None


def by_name(*, after: int | None = None, before: int | None = None, limit: int = PAGE) -> NamePage:
    """Active patients by family name, given names and id; the rows that follow `after` or come before `before` (ids)."""
    keys = tuple_(*BY_NAME)
    query = select(*SHOWN).where(Patient.status == "active")
    mark = _place(before if before is not None else after)
    if mark is not None:
        query = query.where(keys < tuple_(*mark) if before is not None else keys > tuple_(*mark))
    order = [part.desc() for part in BY_NAME] if before is not None else list(BY_NAME)
    rows = list(db.session.execute(query.order_by(*order).limit(limit + 1)))
    has_more, rows = len(rows) > limit, rows[:limit]
    if before is not None:
        rows.reverse()
    has_earlier = has_more if before is not None else mark is not None
    has_later = mark is not None if before is not None else has_more
    ends = (rows[0].id, rows[-1].id) if rows else (None, None)
    return NamePage(rows, ends[0] if has_earlier else None, ends[1] if has_later else None)


def _place(patient_id: int | None) -> Any:
    if patient_id is None:
        return None
    return db.session.execute(select(*BY_NAME).where(Patient.id == patient_id)).one_or_none()


def rows(limit: int, offset: int, *, asked: list[Any], order: tuple[Any, ...], who: Person) -> Result:
    """Active patients that fit the conditions `asked`, with the API's columns; substances only for those who may read them.

    `is_open` says whether the content of the record is open to `who`.
    """
    query, values = _begun(clock.today() - RECENT, with_substances=reads_allergies(who), who=reader(who))
    return db.session.execute(query.where(*asked).order_by(*order).limit(limit).offset(offset), values)


def number_of(asked: list[Any], who: Person) -> int:
    """How many active patients that `who` may know of fit the conditions `asked`."""
    known = (Patient.status == "active", *access.own_rows(who, Patient.id))
    return db.session.execute(select(func.count(Patient.id)).where(*known, *asked)).scalar_one()


def _rows(since: Any, *, with_substances: bool, who: Reader) -> Select:
    booked = _APPOINTMENT.c.date.between(since, who.at.reader_today)
    recent = exists().where(_APPOINTMENT.c.patient_id == Patient.id, booked)
    columns = [Patient.__table__.c[name] for name in ROW]
    return select(
        *columns,
        recent.label("has_recent_appointment"),
        (_substances() if with_substances else literal("")).label("known_allergies"),
        access.open_to(who, Patient.id).label("is_open"),
    ).where(Patient.status == "active", *access.own_rows(who, Patient.id))


_begun = begun_once(_rows)

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


def row(patient_id: int, who: Person) -> Any:
    """One row of the API; `NotFound` when there is none."""
    since = clock.today() - RECENT
    found = _row(patient_id, since, with_substances=reads_allergies(who), who=reader(who)).one_or_none()
    if found is None:
        raise NotFound("No Patient matches the given query.")
    return found


@built_once
def _row(patient_id: Any, since: Any, *, with_substances: bool, who: Reader) -> Select:
    return _rows(since, with_substances=with_substances, who=who).where(Patient.id == patient_id)


def rows_of(patient_ids: list[int], who: Person) -> list[Any]:
    """The API's rows of these patients."""
    since = clock.today() - RECENT
    return list(_rows_of(patient_ids, since, with_substances=reads_allergies(who), who=reader(who)))


@built_once
def _rows_of(patient_ids: Any, since: Any, *, with_substances: bool, who: Reader) -> Select:
    return _rows(since, with_substances=with_substances, who=who).where(Patient.id == any_(patient_ids))


def asked_by(whom: Patient) -> str:
    """Who last answered the allergy question; empty when nobody did."""
    if whom.allergy_status_by_id is None:
        return ""
    return staff.names({whom.allergy_status_by_id}).get(whom.allergy_status_by_id, "")
