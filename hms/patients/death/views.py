"""Pages: record a patient's death, correct it, take it back."""

from __future__ import annotations

from flask import flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.models import Death, Patient
from hms.patients.records.banner import patient_banner

from . import actions, queries, rules
from .forms import DeathCorrectionForm, DeathForm, TakeBackForm


@pages.route("/<int:patient_id>/death", methods=["GET", "POST"])
@requires(Permission.RECORD_DEATH)
def death(patient_id: int) -> ResponseReturnValue:
    """Record that the patient has died, or correct what is recorded."""
    patient, who = lookup.patient(patient_id), current_person()
    policy.check(patient, who)
    details = queries.get_details(patient)
    if patient.has_died:
        form: DeathForm = DeathCorrectionForm(data=_recorded(patient, details))
        action, message = actions.correct_death, _("Record of the death corrected.")
    else:
        form, action = DeathForm(), actions.record_death
        message = _("Death recorded. Open bookings are cancelled without a message.")
    if form.save(action, by=who, patient_id=patient_id):
        flash(message, "success")
        return redirect(f"/patients/{patient_id}", 303)
    return _render("death", patient_id, form)


def _recorded(patient: Patient, details: Death | None) -> dict[str, object]:
    """What is recorded, as the form shows it."""
    recorded = {"died_on": patient.deceased_on, "is_day_unknown": patient.deceased_text == rules.UNKNOWN}
    if details is None:
        return recorded | {"version": 0}
    return recorded | {"place": details.place, "cause": details.cause, "version": details.version}


def _render(template: str, patient_id: int, form: DeathForm | TakeBackForm) -> ResponseReturnValue:
    patient = lookup.patient(patient_id)
    banner = patient_banner(patient, current_person())
    read_log.record_read("patients.read_death", patient_id, entity="death", entity_id=patient_id)
    return render_template(f"patients/{template}.html", patient=patient, banner=banner, form=form), form.status


@pages.route("/<int:patient_id>/death/take-back", methods=["GET", "POST"])
@requires(Permission.RECORD_DEATH)
def take_back_death(patient_id: int) -> ResponseReturnValue:
    """Take a recorded death back: the patient has not died."""
    patient, who = lookup.patient(patient_id), current_person()
    policy.check(patient, who)
    queries.check_has_died(patient)
    form = TakeBackForm()
    if form.save(actions.take_back_death, by=who, patient_id=patient_id):
        flash(_("Death taken back. Bookings that were cancelled stay cancelled."), "success")
        return redirect(f"/patients/{patient_id}", 303)
    return _render("death_take_back", patient_id, form)
