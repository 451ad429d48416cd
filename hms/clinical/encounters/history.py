"""Short summaries of a patient's earlier encounters."""

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

MAX_VISITS = 5
_ENCOUNTER, _CONDITION = Encounter.__table__.c, Condition.__table__.c


@dataclass
class Visit:
    """The summary of an earlier encounter; `summary` is its diagnoses, else its complaint or kind."""

    id: int
    started_at: Any
    started_text: str
    doctor: str
    summary: str
    notes: str
    is_signed: bool


def last_visits(patient_id: int, *, exclude: int | None = None) -> list[Visit]:
    """The patient's last encounters, newest first, at most `MAX_VISITS`; without the encounter `exclude`."""
    return to_visits(db.session.execute(_last_visits(), {"patient_id": patient_id, "exclude": exclude or 0}))


@cache
def _last_visits() -> Select:
    query = select_visits().where(
        _ENCOUNTER.patient_id == bindparam("patient_id"), _ENCOUNTER.id != bindparam("exclude")
    )
    return query.order_by(_ENCOUNTER.started_at.desc().nulls_last(), _ENCOUNTER.id.desc()).limit(MAX_VISITS)


def select_visits() -> Select:
    """Select encounters with the doctor's name and the diagnoses, for `to_visits`."""
    title = case(
        (and_(_CONDITION.code != "", _CONDITION.code_system == ICD10), _CONDITION.title + " (" + _CONDITION.code + ")"),
        else_=_CONDITION.title,
    )
    diagnoses = (
        select(func.string_agg(title, aggregate_order_by(literal("; "), _CONDITION.rank, _CONDITION.id)))
        .where(_CONDITION.encounter_id == _ENCOUNTER.id, _CONDITION.status == "final")
        .scalar_subquery()
    )
    names = (
        "id",
        "started_at",
        "started_text",
        "status",
        "notes",
        "diagnosis",
        "chief_complaint",
        "kind",
        "performer_name",
    )
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


def to_visits(rows: Iterable[Any]) -> list[Visit]:
    """Summaries of the rows of `select_visits`."""
    return [
        Visit(
            id=row.id,
            started_at=row.started_at,
            started_text=row.started_text,
            doctor=row.doctor or row.performer_name,
            summary=row.diagnoses or row.diagnosis or row.chief_complaint or row.kind,
            notes=row.notes,
            is_signed=row.status == "signed",
        )
        for row in rows
    ]
