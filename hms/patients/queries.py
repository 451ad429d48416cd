"""Looking up patients: one, the list by name, the rows of the API. Banner, `find` and `lookalikes` have their own files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, tuple_
from sqlalchemy.orm import selectinload

from hms.core.db import db
from hms.core.errors import NotFound
from hms.core.records import locked
from hms.core.words import _
from hms.staff import queries as staff

from .banner import patient_banner, reads_allergies
from .finding import BY_NAME, SHOWN, First, Hit, asked_for, find, hit, shown_phone
from .identified import WHO
from .lookalikes import Lookalike, lookalikes
from .models import Allergy, Patient

__all__ = [
    "WHO",
    "First",
    "Hit",
    "Lookalike",
    "asked_for",
    "find",
    "hit",
    "lookalikes",
    "patient_banner",
    "reads_allergies",
    "shown_phone",
]

PAGE = 25
NO_PATIENT = _("No patient has this number here. The record may have been withdrawn.")


def patient(patient_id: int, *, with_allergies: bool = False) -> Patient:
    """The patient; `NotFound` when there is none or the record is withdrawn."""
    row = db.session.execute(_active(with_allergies=with_allergies), {"patient_id": patient_id}).scalar_one_or_none()
    if row is None:
        raise NotFound(NO_PATIENT)
    return row


@cache
def _active(*, with_allergies: bool) -> Select:
    patient_id = bindparam("patient_id")
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
    return list(db.session.execute(_allergies(), {"patient_id": patient_id}).scalars())


@cache
def _allergies() -> Select:
    patient_id = bindparam("patient_id")
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


def asked_by(whom: Patient) -> str:
    """Who last answered the allergy question; empty when nobody did."""
    if whom.allergy_status_by_id is None:
        return ""
    return staff.names({whom.allergy_status_by_id}).get(whom.allergy_status_by_id, "")
