"""Reads of the problem list, and of the diagnoses of visits that are not on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import aliased

from hms.clinical.diagnoses.queries import begins_on, is_same_problem, problem_key
from hms.clinical.models import Condition, Encounter
from hms.core.db.fixed_words import fixed_number
from hms.core.db.session import db

MAX_PROBLEMS = 200
MAX_DIAGNOSES = 20
_STATUS_ORDER = ("active", "inactive", "resolved")


def list_problems(patient_id: int) -> list[Any]:
    """All problems on the list: active ones first, the newest first, at most `MAX_PROBLEMS`."""
    rows = db.session.execute(_problems(only_active=False), {"patient_id": patient_id, "limit": MAX_PROBLEMS}).all()
    return sorted(rows, key=lambda row: _STATUS_ORDER.index(row.clinical_status))


def list_active(patient_id: int, limit: int) -> Sequence[Any]:
    """The active problems, the newest first."""
    return db.session.execute(_problems(only_active=True), {"patient_id": patient_id, "limit": limit}).all()


@cache
def _problems(*, only_active: bool) -> Select:
    query = select(
        *(Condition.id, Condition.patient_id, Condition.code, Condition.code_system, Condition.title),
        *(Condition.certainty, Condition.clinical_status, Condition.onset_on, Condition.onset_text),
        *(Condition.abated_on, Condition.created_at, Condition.updated_at, Condition.external_id),
        begins_on().label("since"),
    ).where(Condition.is_problem, ~Condition.is_absence, Condition.status == "final")
    query = query.where(Condition.patient_id == bindparam("patient_id"))
    if only_active:
        query = query.where(Condition.clinical_status == "active")
    newest_first = query.order_by(begins_on().desc().nulls_last(), Condition.id.desc())
    return newest_first.limit(fixed_number("limit"))


def find_unlisted(patient_id: int) -> list[Any]:
    """Diagnoses of signed encounters that are not on the list, each once, the newest first, at most `MAX_DIAGNOSES`."""
    problem = aliased(Condition)
    listed = select(problem.id).where(
        *(problem.patient_id == patient_id, problem.is_problem, problem.status == "final"),
        is_same_problem(problem, Condition),
    )
    rows = (
        select(
            *(Condition.id, Condition.code, Condition.code_system, Condition.title, Condition.certainty),
            Encounter.started_at,
            func.row_number().over(partition_by=problem_key(), order_by=Condition.id.desc()).label("nth"),
        )
        .join(Encounter, Encounter.id == Condition.encounter_id)
        .where(Condition.patient_id == patient_id, Condition.status == "final", ~Condition.is_problem)
        .where(~Condition.is_absence, Encounter.status == "signed", ~listed.exists())
        .subquery()
    )
    newest = select(rows).where(rows.c.nth == 1).order_by(rows.c.started_at.desc().nulls_last(), rows.c.id.desc())
    return list(db.session.execute(newest.limit(MAX_DIAGNOSES)))
