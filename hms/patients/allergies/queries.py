"""Reads of allergies: a patient's list, and allergies as a column of another query."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.core.db.session import db
from hms.patients.models import Allergy


def allergies(patient_id: int) -> list[Allergy]:
    """The patient's active allergies, oldest first."""
    return list(db.session.execute(_allergies(), {"patient_id": patient_id}).scalars())


@cache
def _allergies() -> Select:
    patient_id = bindparam("patient_id")
    return select(Allergy).where(Allergy.patient_id == patient_id, Allergy.status == "active").order_by(Allergy.id)


_ROW = Allergy.__table__.c


@dataclass(frozen=True, slots=True)
class RecordedAllergy:
    """An active allergy."""

    substance: str
    code: str
    code_system: str
    class_code: str
    category: str
    reaction: str
    severity: str
    recorded_on: date | None
    updated_at: datetime


def allergies_column(patient_id: Any) -> ColumnElement[Any]:
    """Active allergies of the patient with this id (a column) as one JSON column; decode it with `read_allergies_column`."""
    as_array = func.jsonb_build_array(*(_ROW[column.name] for column in fields(RecordedAllergy)))
    all_rows = select(func.jsonb_agg(aggregate_order_by(as_array, _ROW.id)))
    return all_rows.where(_ROW.patient_id == patient_id, _ROW.status == "active").scalar_subquery()


def read_allergies_column(column: list[list[Any]] | None) -> list[RecordedAllergy]:
    """Decode a column made by `allergies_column`, oldest first; an empty list for None."""
    return [_read(*values) for values in column or ()]


def _read(*values: Any) -> RecordedAllergy:
    *texts, recorded_on, updated_at = values
    day = date.fromisoformat(recorded_on) if recorded_on else None
    return RecordedAllergy(*texts, recorded_on=day, updated_at=datetime.fromisoformat(updated_at))
