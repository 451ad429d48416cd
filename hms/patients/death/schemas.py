"""JSON of a patient's death."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Day, Text
from hms.patients.models import Death, Patient

from . import rules


class DeathIn(ApiSchema):
    """A death; `died_on` is null when the day is not known."""

    died_on = Day(required=True, allow_none=True)
    place = Text(rules.MAX_PLACE_LENGTH, load_default="")
    cause = Text(rules.MAX_CAUSE_LENGTH, multiline=True, load_default="")


class DeathChange(DeathIn):
    """A correction, with its reason."""

    reason = Text(rules.MAX_REASON_LENGTH, required=True, blank=False)


class TakeBackIn(ApiSchema):
    reason = Text(rules.MAX_REASON_LENGTH, required=True, blank=False)


class DeathOut(ApiSchema):
    """`died_text`: what is known of the day when it is not known, as in FHIR ("2020-05"), or "unknown". `recorded_by` is null
    for a death that came with an imported record."""

    patient = fields.Integer()
    died_on = fields.Date(allow_none=True)
    died_text = fields.String()
    place = fields.String()
    cause = fields.String()
    reason = fields.String()
    recorded_by = fields.Integer(allow_none=True)
    recorded_at = fields.DateTime(allow_none=True)


def death_json(patient: Patient, death: Death | None) -> dict[str, Any]:
    """What is recorded of the death of `patient`; `death` has the details, if there are any."""
    details = {name: getattr(death, name) if death else "" for name in ("place", "cause", "reason")}
    return details | {
        "patient": patient.id,
        "died_on": patient.deceased_on,
        "died_text": patient.deceased_text,
        "recorded_by": death.recorded_by_id if death else None,
        "recorded_at": death.created_at if death else None,
    }
