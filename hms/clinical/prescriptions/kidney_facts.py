"""The last creatinine of a patient for the checks, from imported records and from the desks that know results."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache

from sqlalchemy import Select, bindparam, select

from hms.clinical.models import Observation
from hms.clinical.vitals import readings
from hms.core import clock
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.formulary.safety.kidney_function import MICROMOLES, Creatinine, KidneyFacts, Size

CREATININE_LOINC = ("14682-9", "2160-0", "38483-4", "59826-8", "77140-2")
"""Creatinine in serum, plasma or blood."""
IN_MICROMOLES = {"umol/l": Decimal(1), "µmol/l": Decimal(1), "μmol/l": Decimal(1), "mg/dl": MICROMOLES}
POSSIBLE = (Decimal(5), Decimal(5000))
MAX_ROWS = 5
creatinine_sources: list[Callable[[int], Creatinine | None]] = []
"""Higher desks that know results add a function: the last creatinine of a patient."""


def load_kidneys(patient_id: int) -> KidneyFacts:
    """What is known of the patient's kidneys today."""
    known = [found for source in (_find_imported, *creatinine_sources) if (found := source(patient_id)) is not None]
    sizes = {key: Size(last.value, last.on) for key, last in readings.last_sizes(patient_id).items()}
    return KidneyFacts(
        creatinine=max(known, key=lambda each: each.measured_on, default=None),
        today=clock.today(),
        days_valid=settings.value("clinical.creatinine_days"),
        height=sizes.get("height"),
        weight=sizes.get("weight"),
    )


def _find_imported(patient_id: int) -> Creatinine | None:
    for row in db.session.execute(_imported(), {"patient_id": patient_id}):
        factor = IN_MICROMOLES.get(row.unit.strip().lower())
        try:
            value = Decimal(row.value.strip()) * factor if factor else None
        except InvalidOperation:
            continue
        if value is not None and value.is_finite() and POSSIBLE[0] <= value <= POSSIBLE[1]:
            return Creatinine(value, clock.local(row.taken_at).date())
    return None


@cache
def _imported() -> Select:
    query = select(Observation.value, Observation.unit, Observation.taken_at).where(
        Observation.patient_id == bindparam("patient_id"),
        Observation.code.in_(CREATININE_LOINC),
        Observation.taken_at.is_not(None),
    )
    return query.order_by(Observation.taken_at.desc()).limit(MAX_ROWS)
