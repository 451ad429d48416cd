"""JSON: opening a closed record with a reason."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api import Shape
from hms.core.fields import Text
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.staff.confirming import confirm_identity

from . import queries, restricting
from .api import api
from .models import BreakGlass


class BreakGlassIn(Shape):
    """`proof` is the person's password, or the present code of their second factor."""

    reason = Text(restricting.LONGEST_REASON, required=True, blank=False)
    proof = Text(1024, required=True, blank=False)


class BreakGlassOut(Shape):
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
@needs(Action.BREAK_GLASS)
@api.arguments(BreakGlassIn)
@api.response(201, BreakGlassOut)
def break_glass(given: dict[str, Any], patient_id: int) -> tuple[dict[str, Any], int]:
    """Open a closed record for an hour, with a reason of ten characters or more. Everything read is marked and reviewed.

    409 `already_open` when the record is open without a reason.
    """
    queries.patient(patient_id)
    restricting.checked_reason(given["reason"])
    confirm_identity(given["proof"], by=person())
    return break_glass_json(restricting.break_glass(patient_id, reason=given["reason"], by=person())), 201
