"""Pages of the allergy list."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.actions import require_permission
from hms.core.api import read_log
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires, safe_next
from hms.patients import forms, lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.records import banner as record_banner
from hms.patients.records import queries as record_queries

from . import actions as allergy_actions
from . import queries as allergy_queries


@pages.route("/<int:patient_id>/allergies", methods=["GET", "POST"])
@requires(Permission.READ_ALLERGIES)
def allergies(patient_id: int) -> ResponseReturnValue:
    """List allergies; roles with permission record new ones."""
    if request.method == "POST":
        require_permission(current_person(), Permission.RECORD_ALLERGY)
    form = forms.AllergyForm()
    if form.save(allergy_actions.record_allergy, by=current_person(), patient_id=patient_id):
        flash(_("%(substance)s recorded.", substance=form.result.substance), "success")
        return redirect(_came_from() or url_for("patients.allergies", patient_id=patient_id), 303)
    return _allergy_page(patient_id, form)


def _allergy_page(patient_id: int, form: ActionForm, refused: list[str] | None = None) -> ResponseReturnValue:
    patient = lookup.patient(patient_id)
    policy.check(patient, current_person())
    page = render_template(
        "patients/allergies.html",
        form=form,
        patient=patient,
        banner=record_banner.patient_banner(patient, current_person()),
        known=allergy_queries.allergies(patient_id),
        asked_by=record_queries.allergy_status_author(patient),
        refused=refused or [],
        next=_came_from(),
    )
    read_log.record_read("patients.read_allergies", patient_id, entity="patient", entity_id=patient_id)
    return page, 409 if refused else form.status


@pages.post("/<int:patient_id>/allergies/none")
@requires(Permission.RECORD_ALLERGY)
def no_allergies(patient_id: int) -> ResponseReturnValue:
    """Record that the patient has no known allergies."""
    form = forms.ButtonForm()
    if form.save(allergy_actions.confirm_no_allergies, by=current_person(), patient_id=patient_id):
        flash(_("No known allergies, asked today."), "success")
        return redirect(_came_from() or f"/patients/{patient_id}", 303)
    return _allergy_page(patient_id, forms.AllergyForm(formdata=None), form.form_errors)


@pages.post("/<int:patient_id>/allergies/<int:allergy_id>/withdraw")
@requires(Permission.RECORD_ALLERGY)
def withdraw_allergy(patient_id: int, allergy_id: int) -> ResponseReturnValue:
    """Mark an allergy of this patient as entered in error."""
    form = forms.ButtonForm()
    _check_belongs(allergy_id, patient_id)
    if form.save(allergy_actions.withdraw_allergy, by=current_person(), allergy_id=allergy_id):
        flash(_("%(substance)s marked as entered in error.", substance=form.result.substance), "success")
        return redirect(url_for("patients.allergies", patient_id=patient_id), 303)
    return _allergy_page(patient_id, forms.AllergyForm(formdata=None), form.form_errors)


def _check_belongs(allergy_id: int, patient_id: int) -> None:
    policy.check(lookup.patient(patient_id), current_person())
    if not any(allergy.id == allergy_id for allergy in allergy_queries.allergies(patient_id)):
        raise NotFound(N_("This allergy is no longer on the patient's list."))


def _came_from() -> str | None:
    """The page to return to, for example an open encounter."""
    return safe_next(request.values.get("next"))
