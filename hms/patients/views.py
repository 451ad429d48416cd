"""Pages: find and list, correct, allergies, the patient's card. The chart itself is the chart desk's."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core import nav, read_log
from hms.core.actions import require
from hms.core.errors import NotFound, Stale
from hms.core.forms import DeskForm
from hms.core.numbers import parse_record_id
from hms.core.permissions import Action
from hms.core.text import sought
from hms.core.web import needs, person, safe_next
from hms.core.words import _ as N_

from . import (
    access,
    access_views,  # noqa: F401 - puts its pages on the blueprint
    actions,
    card,
    forms,
    queries,
    registration_views,  # noqa: F401 - puts its pages on the blueprint
    unfinished,
)
from .desk import onward, pages
from .models import Patient

nav.place(_l("Patients"), "patients.index", Action.EDIT_PATIENT, order=30)


@pages.get("/")
@needs(Action.FIND_PATIENT)
def index() -> str:
    """Find a patient, or leaf through the list by family name."""
    typed = sought(request.args.get("q"))
    if typed:
        hits = queries.find(typed, limit=queries.PAGE, who=person())
        read_log.note_rows("patients.read_list", len(hits), entity="patient", is_search=True)
        return render_template("patients/index.html", typed=typed, hits=hits, listing=None)
    listing = queries.by_name(after=_id("after"), before=_id("before"))
    read_log.note_rows("patients.read_list", len(listing.rows), entity="patient")
    return render_template("patients/index.html", typed="", hits=_hits(listing), listing=listing)


def _hits(listing: queries.NamePage) -> list[queries.Hit]:
    return [queries.hit(row, who=person()) for row in listing.rows]


def _id(name: str) -> int | None:
    return parse_record_id(request.args.get(name, ""))


@pages.route("/<int:patient_id>/edit", methods=["GET", "POST"])
@needs(Action.EDIT_PATIENT)
def edit(patient_id: int) -> ResponseReturnValue:
    """Correct a patient's details."""
    patient = queries.patient(patient_id)
    access.check_team(patient, person())
    form = forms.CorrectionForm(data=forms.recorded(patient))
    if form.save(actions.update_patient, by=person(), patient_id=patient_id):
        flash(_("Saved."), "success")
        return onward(patient_id)
    return _correction(patient_id, form)


def _correction(patient_id: int, form: forms.CorrectionForm, proposed: list[str] | None = None) -> ResponseReturnValue:
    """The form; after a conflict with what is stored now beside what was typed, ready to be saved over it."""
    patient = queries.patient(patient_id)
    theirs = _differences(patient, form) if isinstance(form.conflict, Stale) else []
    page = render_template(
        "patients/edit.html",
        form=form,
        patient=patient,
        banner=queries.patient_banner(patient, person()),
        theirs=theirs,
        proposed=proposed or [],
    )
    _note("patients.read", patient_id)
    return page, form.status


def _note(action: str, patient_id: int) -> None:
    read_log.note(action, patient_id, entity="patient", entity_id=patient_id)


def _differences(patient: Patient, form: forms.CorrectionForm) -> list[tuple[Any, str, str]]:
    stored = forms.recorded(patient)
    words = {choice.value: str(choice.label) for choice in forms.SEX}
    return [
        (form[name].label.text, words.get(value, value), words.get(form[name].data, form[name].data or ""))
        for name, value in stored.items()
        if name != "version" and (form[name].data or "") != value
    ]


@pages.post("/<int:patient_id>/use")
@needs(Action.EDIT_PATIENT)
def use(patient_id: int) -> ResponseReturnValue:
    """Go on with a known patient instead of registering: the phone and address just typed are proposed as changes."""
    patient, typed = queries.patient(patient_id), forms.RegistrationForm()
    access.check_team(patient, person())
    unfinished.discard(person(), typed.draft.data or "")
    shown = forms.recorded(patient)
    proposed = [name for name in ("contact_info", "address") if typed[name].data and typed[name].data != shown[name]]
    if not proposed:
        return onward(patient_id)
    form = forms.CorrectionForm(formdata=None, data=shown | {name: typed[name].data for name in proposed})
    form.conflict = None
    return _correction(patient_id, form, [str(form[name].label.text) for name in proposed])


@pages.route("/<int:patient_id>/allergies", methods=["GET", "POST"])
@needs(Action.READ_ALLERGIES)
def allergies(patient_id: int) -> ResponseReturnValue:
    """What the patient reacts to; nurses and doctors add to it."""
    if request.method == "POST":
        require(person(), Action.RECORD_ALLERGY)
    form = forms.AllergyForm()
    if form.save(actions.record_allergy, by=person(), patient_id=patient_id):
        flash(_("%(substance)s recorded.", substance=form.result.substance), "success")
        return redirect(_came_from() or url_for("patients.allergies", patient_id=patient_id), 303)
    return _allergy_page(patient_id, form)


def _came_from() -> str | None:
    """The page that led to the allergies, an open encounter for one: it is gone back to."""
    return safe_next(request.values.get("next"))


def _allergy_page(patient_id: int, form: DeskForm, refused: list[str] | None = None) -> ResponseReturnValue:
    patient = queries.patient(patient_id)
    access.check(patient, person())
    page = render_template(
        "patients/allergies.html",
        form=form,
        patient=patient,
        banner=queries.patient_banner(patient, person()),
        known=queries.allergies(patient_id),
        asked_by=queries.asked_by(patient),
        refused=refused or [],
        next=_came_from(),
    )
    _note("patients.read_allergies", patient_id)
    return page, 409 if refused else form.status


@pages.post("/<int:patient_id>/allergies/none")
@needs(Action.RECORD_ALLERGY)
def no_allergies(patient_id: int) -> ResponseReturnValue:
    """The patient was asked and knows of no allergy."""
    form = forms.PressForm()
    if form.save(actions.confirm_no_allergies, by=person(), patient_id=patient_id):
        flash(_("No known allergies, asked today."), "success")
        return redirect(_came_from() or f"/patients/{patient_id}", 303)
    return _allergy_page(patient_id, forms.AllergyForm(formdata=None), form.form_errors)


@pages.post("/<int:patient_id>/allergies/<int:allergy_id>/withdraw")
@needs(Action.RECORD_ALLERGY)
def withdraw_allergy(patient_id: int, allergy_id: int) -> ResponseReturnValue:
    """Mark an allergy of this patient as entered in error."""
    form = forms.PressForm()
    _belongs(allergy_id, patient_id)
    if form.save(actions.withdraw_allergy, by=person(), allergy_id=allergy_id):
        flash(_("%(substance)s withdrawn.", substance=form.result.substance), "success")
        return redirect(url_for("patients.allergies", patient_id=patient_id), 303)
    return _allergy_page(patient_id, forms.AllergyForm(formdata=None), form.form_errors)


def _belongs(allergy_id: int, patient_id: int) -> None:
    access.check(queries.patient(patient_id), person())
    if not any(allergy.id == allergy_id for allergy in queries.allergies(patient_id)):
        raise NotFound(N_("This allergy is not on the patient's list any more."))


@pages.get("/<int:patient_id>/card")
@needs(Action.REGISTER_PATIENT)
def print_card(patient_id: int) -> str:
    """The patient's card, to print and hand out: name, birth date, number, bar code and QR code."""
    patient = queries.patient(patient_id)
    codes, banner = card.codes(patient.hospital_number), queries.patient_banner(patient, person())
    _note("patients.read_card", patient_id)
    return render_template("patients/card.html", patient=patient, banner=banner, codes=codes)
