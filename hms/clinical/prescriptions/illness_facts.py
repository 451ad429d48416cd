"""The illnesses of a patient for the checks: the problem list, the encounter, and the diagnoses of the last visits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select

from hms.clinical.models import ICD10, Condition
from hms.core import clock
from hms.core.db.session import db
from hms.formulary.safety.illness_check import Illness

VISITS_COUNT_FOR = timedelta(days=365)
"""A diagnosis of a visit that nobody put on the problem list counts for so long."""


def load_illnesses(patient_id: int, encounter_id: int | None) -> tuple[Illness, ...]:
    """The illnesses that are on record as active, each once; provisional ones too."""
    condition = Condition.__table__.c
    counts = or_(
        condition.is_problem,
        condition.encounter_id == (encounter_id or 0),
        condition.external_id.is_not(None),
        condition.created_at > clock.now() - VISITS_COUNT_FOR,
    )
    query = select(condition.title, condition.code, condition.code_system).where(
        condition.patient_id == patient_id,
        condition.status == "final",
        condition.clinical_status == "active",
        ~condition.is_absence,
        counts,
    )
    rows = db.session.execute(query.order_by(condition.is_problem.desc(), condition.id.desc()))
    return tuple(dict.fromkeys(Illness(row.title, row.code if row.code_system == ICD10 else "") for row in rows))
