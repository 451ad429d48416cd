"""The worker makes forms of consent."""

from __future__ import annotations

from hms.core.background.outbox import job
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.core.text.formatting import spoken_name
from hms.patients.models import ConsentForm, Patient

from . import actions, queries
from .paper import render_form


@job(actions.FORM)
def make_form(form_id: int) -> None:
    """Make the PDF of a form that was asked for, once."""
    form = db.session.get(ConsentForm, form_id)
    if form is None or form.content is not None:
        return
    patient = db.session.get_one(Patient, form.patient_id)
    named = {
        "spoken_name": spoken_name(patient.family_name, patient.given_names, patient.title),
        "hospital_number": patient.hospital_number,
        "date_of_birth": patient.birth_date,
        "birth_is_estimated": patient.birth_is_estimated,
        "sex": patient.sex,
    }
    place = {name: settings.value(f"hospital.{name}") for name in ("name", "address", "phone")}
    form.content = render_form(named, queries.get_text(form.text_id), place)
    db.session.flush()
