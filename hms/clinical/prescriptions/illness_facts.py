"""The illnesses of a patient for the checks: the problem list, the encounter, and the diagnoses of the last visits."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select

from hms.clinical.diagnoses import icd10
from hms.clinical.diagnoses.queries import is_same_problem, is_withdrawn
from hms.clinical.models import ICD10, Condition, VitalsReading
from hms.core import clock
from hms.core.db.session import db
from hms.formulary.safety.illness_check import Illness, is_pregnancy

VISITS_COUNT_FOR = timedelta(days=365)
"""A diagnosis of a visit that nobody put on the problem list counts for so long."""
PREGNANCY_LASTS = timedelta(days=300)
_SAYS_NO_MORE = 5
"""Letters and digits of a code after which it says nothing that a rule asks for."""


def load_illnesses(patient_id: int, encounter_id: int | None) -> tuple[Illness, ...]:
    """The illnesses that are on record as active, each once; provisional ones too.

    A pregnancy counts for `PREGNANCY_LASTS`, and no longer than until a reading of vital signs says that there is none.
    """
    values = {"patient_id": patient_id, "encounter_id": encounter_id or 0}
    values |= {"visits_since": clock.now() - VISITS_COUNT_FOR, "pregnant_since": clock.today() - PREGNANCY_LASTS}
    found = ((_to_illness(row), row) for row in db.session.execute(_active_illnesses(), values))
    return tuple(dict.fromkeys(each for each, row in found if row.may_be_pregnancy or not is_pregnancy(each)))


@cache
def _active_illnesses() -> Select:
    condition = Condition.__table__.c
    counts = or_(
        condition.is_problem,
        condition.encounter_id == bindparam("encounter_id"),
        condition.external_id.is_not(None),
        condition.created_at > bindparam("visits_since"),
    )
    query = select(condition.title, condition.code, condition.code_system, _may_be_pregnancy()).where(
        condition.patient_id == bindparam("patient_id"),
        condition.status == "final",
        condition.clinical_status == "active",
        ~condition.is_absence,
        ~is_withdrawn(),
        or_(condition.is_problem, ~_is_over(condition)),
        counts,
    )
    return query.order_by(condition.is_problem.desc(), condition.id.desc())


def _is_over(condition: Any) -> ColumnElement[bool]:
    """Condition: the same problem was resolved, or taken off the list, after the diagnosis was written. Of an imported problem
    only its own end counts: the day of the import says nothing."""
    problem = Condition.__table__.alias("ended").c
    has_ended = or_(problem.clinical_status != "active", problem.status == "entered_in_error")
    is_later = case(
        (problem.external_id.is_(None), problem.updated_at > condition.created_at),
        else_=problem.abated_on >= func.date(condition.created_at),
    )
    ended = (problem.patient_id == condition.patient_id, problem.is_problem, has_ended, is_later)
    return select(problem.id).where(*ended, is_same_problem(problem, condition)).exists()


def _may_be_pregnancy() -> ColumnElement[bool]:
    """Whether a diagnosis of pregnancy is young enough, and no later reading says that the patient is not pregnant."""
    condition, reading = Condition.__table__.c, VitalsReading.__table__.c
    of_patient = (
        reading.patient_id == bindparam("patient_id"),
        reading.status == "final",
        reading.is_pregnant.is_(False),
    )
    ended = select(func.max(reading.taken_at)).where(*of_patient).scalar_subquery()
    since = func.coalesce(condition.onset_on, func.date(condition.created_at))
    is_young = since > bindparam("pregnant_since")
    return and_(is_young, func.coalesce(condition.created_at > ended, True)).label("may_be_pregnancy")


def _to_illness(row: Any) -> Illness:
    """The illness with its code as the rules write it; without one when it cannot be read, so that the words count."""
    bare = re.sub(r"[^0-9A-Za-z]", "", row.code) if row.code_system == ICD10 else ""
    return Illness(row.title, icd10.normalise_code(bare[:_SAYS_NO_MORE]))
