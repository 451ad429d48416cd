"""Prescribes the SpO₂ scale of a patient."""

from __future__ import annotations

from hms.clinical.models import SaturationScale
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy

from . import queries

MAX_REASON_LENGTH = 500


@action(Permission.PRESCRIBE, "clinical.set_saturation_scale")
def set_saturation_scale(patient_id: int, *, scale: int | None, reason: str, by: Person) -> SaturationScale:
    """Prescribe SpO₂ scale 2 for a patient, or go back to scale 1; it counts for vitals from now on.

    Raises `RuleBroken` for another scale or without a reason, `Conflict` when the scale is that already.
    """
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    if scale not in (queries.USUAL, queries.LOW_TARGET):
        raise RuleBroken(N_("Choose scale 1 or scale 2."), "scale")
    cleaned = clean_reason(reason, longest=MAX_REASON_LENGTH)
    if queries.current_scale(patient_id) == scale:
        raise Conflict(N_("This scale is used already."), "scale", code="same_scale")
    order = SaturationScale(patient_id=patient_id, scale=scale, reason=cleaned, ordered_by_id=by.id)
    db.session.add(order)
    db.session.flush()
    return order
