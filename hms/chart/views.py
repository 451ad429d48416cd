"""The patient's chart."""

from __future__ import annotations

from flask import Blueprint, render_template

from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.patients import actions, queries

pages = Blueprint("chart", __name__, url_prefix="/patients")


@pages.get("/<int:patient_id>")
@needs(Action.FIND_PATIENT)
def page(patient_id: int) -> str:
    """Who the patient is; that it was opened is written into the trail."""
    patient = actions.open_chart(patient_id, by=person())
    return render_template("chart/page.html", patient=patient, banner=queries.patient_banner(patient, person()))
