"""Earlier encounters in a few words, for whoever looks at a patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.clinical.models import ICD10, Condition, Encounter
from hms.core.db.session import db
from hms.staff.directory import display_name_column
from hms.staff.models import User

LAST = 5
_ENCOUNTER, _CONDITION = Encounter.__table__.c, Condition.__table__.c


@dataclass
class Visit:
    """An earlier encounter, in a few words."""

    id: int
    started_at: Any
    doctor: str
    words: str
    notes: str
    is_signed: bool


def last(patient_id: int, *, but_not: int | None = None) -> list[Visit]:
    """The patient's last encounters, newest first, with their diagnoses; without the encounter `but_not`."""
    return as_visits(db.session.execute(_last(), {"patient_id": patient_id, "but_not": but_not or 0}))


@cache
def _last() -> Select:
    mine = visits().where(_ENCOUNTER.patient_id == bindparam("patient_id"), _ENCOUNTER.id != bindparam("but_not"))
    return mine.order_by(_ENCOUNTER.started_at.desc(), _ENCOUNTER.id.desc()).limit(LAST)


def visits() -> Select:
    """Encounters with the doctor's name and the diagnoses, for `as_visits`."""
    words = case(
        (and_(_CONDITION.code != "", _CONDITION.code_system == ICD10), _CONDITION.title + " (" + _CONDITION.code + ")"),
        else_=_CONDITION.title,
    )
    diagnoses = (
        select(func.string_agg(words, aggregate_order_by(literal("; "), _CONDITION.rank, _CONDITION.id)))
        .where(_CONDITION.encounter_id == _ENCOUNTER.id, _CONDITION.status == "final")
        .scalar_subquery()
    )
    names = ("id", "started_at", "status", "notes", "diagnosis", "chief_complaint", "kind", "performer_name")
    doctor = User.__table__
    return (
        select(
            *(_ENCOUNTER[name] for name in names),
            display_name_column(doctor.c).label("doctor"),
            diagnoses.label("diagnoses"),
        )
        .select_from(Encounter.__table__.outerjoin(doctor, doctor.c.id == _ENCOUNTER.doctor_id))
        .where(_ENCOUNTER.status != "entered_in_error")
    )


def as_visits(rows: Iterable[Any]) -> list[Visit]:
    """Rows of `visits` in words."""
    return [
        Visit(
            id=row.id,
            started_at=row.started_at,
            doctor=row.doctor or row.performer_name,
            words=row.diagnoses or row.diagnosis or row.chief_complaint or row.kind,
            notes=row.notes,
            is_signed=row.status == "signed",
        )
        for row in rows
    ]
