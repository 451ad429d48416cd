"""Reads of diagnoses."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select

from hms.clinical.models import Condition, Encounter
from hms.core.db.session import db

MAX_PROBLEMS = 12


def conditions_of(encounter_id: int) -> list[Condition]:
    """The diagnoses of an encounter, the primary one first."""
    return list(db.session.execute(_conditions_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _conditions_of() -> Select:
    encounter_id = bindparam("encounter_id")
    query = select(Condition).where(Condition.encounter_id == encounter_id, Condition.status == "final")
    return query.order_by(Condition.rank, Condition.id)


def conditions_and_problems(patient_id: int, encounter_id: int) -> tuple[list[Any], list[Any]]:
    """The columns of `conditions_of` an encounter that a page shows, and the active problems and diagnoses of its patient,
    each once, newest first, at most `MAX_PROBLEMS`; one query. `is_listed` says what is on the problem list."""
    rows = db.session.execute(_of_patient(), {"patient_id": patient_id, "encounter_id": encounter_id}).all()
    conditions = sorted((row for row in rows if row.encounter_id == encounter_id), key=lambda row: (row.rank, row.id))
    problems = sorted((row for row in rows if row.is_active), key=_onset_key, reverse=True)
    return conditions, problems[:MAX_PROBLEMS]


def is_withdrawn() -> ColumnElement[bool]:
    """Condition: the diagnosis is of an encounter that was entered in error. It is `final` still, for when that is undone."""
    of_encounter = Encounter.id == Condition.encounter_id, Encounter.status == "entered_in_error"
    return select(Encounter.id).where(*of_encounter).correlate(Condition).exists()


def problem_key(condition: Any = Condition) -> tuple[ColumnElement[Any], ...]:
    """What is the same of conditions that are the same problem: the code or, without one, the title. With a code the title may
    be worded otherwise elsewhere."""
    return condition.code, case((condition.code == "", condition.title), else_="")


def is_same_problem(one: Any, other: Any) -> ColumnElement[bool]:
    """Condition: both are the same problem by `problem_key`."""
    return and_(*(mine == theirs for mine, theirs in zip(problem_key(one), problem_key(other), strict=True)))


def begins_on() -> ColumnElement[dt.date | None]:
    """The day of the onset; without one the day on which it was diagnosed here, of an imported condition none."""
    here = case((Condition.external_id.is_(None), func.date(Condition.created_at)))
    return func.coalesce(Condition.onset_on, here)


def _onset_key(row: Any) -> tuple[dt.date, int]:
    return row.since or dt.date.min, row.id


@cache
def _of_patient() -> Select:
    of_patient = (
        select(
            *(Condition.id, Condition.encounter_id, Condition.rank, Condition.title, Condition.code),
            *(Condition.code_system, Condition.certainty, Condition.clinical_status),
            *(Condition.is_absence, Condition.onset_on, Condition.onset_text, begins_on().label("since")),
            func.row_number()
            .over(
                partition_by=(Condition.code, Condition.title, Condition.clinical_status, Condition.is_absence),
                order_by=Condition.id.desc(),
            )
            .label("nth"),
            func.bool_or(Condition.is_problem).over(partition_by=problem_key()).label("is_listed"),
        )
        .where(Condition.patient_id == bindparam("patient_id"), Condition.status == "final")
        .where(or_(Condition.encounter_id == bindparam("encounter_id"), ~is_withdrawn()))
        .subquery()
    )
    is_active = and_(of_patient.c.clinical_status == "active", ~of_patient.c.is_absence, of_patient.c.nth == 1)
    is_of_encounter = of_patient.c.encounter_id == bindparam("encounter_id")
    return select(of_patient, is_active.label("is_active")).where(or_(is_of_encounter, is_active))
