"""JSON: emergency access to a restricted record."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.permissions import Permission
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.blueprints import api
from hms.patients.models import BreakGlass
from hms.staff.sign_in.reauthentication import reauthenticate

from . import actions


class BreakGlassIn(ApiSchema):
    """`proof` is the person's password, or the present code of their second factor."""

    reason = Text(actions.MAX_REASON_LENGTH, required=True, blank=False)
    proof = Text(1024, required=True, blank=False)


class BreakGlassOut(ApiSchema):
    id = fields.Integer()
    patient = fields.Integer()
    user = fields.Integer()
    reason = fields.String()
    opened_at = fields.DateTime()
    expires_at = fields.DateTime()


def break_glass_json(opened: BreakGlass) -> dict[str, Any]:
    return {
        "id": opened.id,
        "patient": opened.patient_id,
        "user": opened.user_id,
        "reason": opened.reason,
        "opened_at": opened.opened_at,
        "expires_at": opened.expires_at,
    }


@api.post("/patients/<int:patient_id>/break-glass/")
@requires(Permission.BREAK_GLASS)
@api.arguments(BreakGlassIn)
@api.response(201, BreakGlassOut)
def break_glass(payload: dict[str, Any], patient_id: int) -> tuple[dict[str, Any], int]:
    """Open a restricted record for an hour, with a reason of ten characters or more. All reads are marked and reviewed.

    409 `already_open` when the record is open without a reason.
    """
    lookup.patient(patient_id)
    actions.checked_reason(payload["reason"])
    reauthenticate(payload["proof"], by=current_person())
    return break_glass_json(actions.break_glass(patient_id, reason=payload["reason"], by=current_person())), 201
