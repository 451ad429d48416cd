"""Blueprints of the pages and endpoints, and the redirect after saving."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from hms.core.api.blueprint import ApiBlueprint
from hms.core.permissions import Permission
from hms.core.web.guard import current_person

pages = Blueprint("patients", __name__, url_prefix="/patients")


def redirect_after_save(patient_id: int) -> ResponseReturnValue:
    """Check in the patient when "Save and check in" was pressed, else show the chart.

    307 lets the browser post the same form to the check-in, so that saving and checking in are one press.
    """
    if request.form.get("then") == "queue" and current_person().may(Permission.CHECK_IN):
        return redirect(f"/queue/add?patient={patient_id}", 307)
    return redirect(f"/patients/{patient_id}", 303)


api = ApiBlueprint("patients_api", __name__, description="Patients")

message_pages = Blueprint("patient_messages", __name__, url_prefix="/messages")
"""Messages to patients; `/patients/<id>/messages` has what one patient wants."""
