"""JSON: the prescribed SpO₂ scale of a patient."""

from __future__ import annotations

from typing import Any

from hms.clinical.blueprints import api
from hms.clinical.schemas import SaturationIn, SaturationOut
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy

from . import actions, queries


@api.get("/patients/<int:patient_id>/saturation_scale/")
@requires(Permission.OPEN_CHART)
@api.response(200, SaturationOut)
def saturation_scale(patient_id: int) -> dict[str, Any]:
    """The SpO₂ scale with which NEWS2 is scored: 2 (88–92 %) where a doctor prescribed it, else 1."""
    policy.check(lookup.patient(patient_id), current_person())
    read_log.record_read("clinical.read_saturation_scale", patient_id, entity="patient", entity_id=patient_id)
    return _scale_json(patient_id)


def _scale_json(patient_id: int) -> dict[str, Any]:
    found = queries.list_orders(patient_id)
    newest = found.orders[0] if found.orders else None
    return {
        "patient": patient_id,
        "scale": found.scale,
        "reason": newest.reason if newest else "",
        "ordered_by": newest.ordered_by_id if newest else None,
        "ordered_at": newest.created_at if newest else None,
    }


@api.post("/patients/<int:patient_id>/saturation_scale/")
@requires(Permission.PRESCRIBE)
@api.arguments(SaturationIn)
@api.response(201, SaturationOut)
def set_saturation_scale(payload: dict[str, Any], patient_id: int) -> tuple[dict[str, Any], int]:
    """Prescribe the SpO₂ scale, with the reason; 409 `same_scale` when it is used already."""
    actions.set_saturation_scale(patient_id, **payload, by=current_person())
    return _scale_json(patient_id), 201
