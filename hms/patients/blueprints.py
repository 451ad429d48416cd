"""The blueprint that the pages of this desk share, and where they lead."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from hms.core.api.blueprint import ApiBlueprint
from hms.core.permissions import Permission
from hms.core.web.guard import current_person

pages = Blueprint("patients", __name__, url_prefix="/patients")


def onward(patient_id: int) -> ResponseReturnValue:
    """To the queue when that was pressed, else to the chart."""
    if request.form.get("then") == "queue" and current_person().may(Permission.CHECK_IN):
        return redirect(f"/queue/add?patient={patient_id}", 303)
    return redirect(f"/patients/{patient_id}", 303)


api = ApiBlueprint("patients_api", __name__, description="Patients")
