"""Pages: what a patient decided, the form to sign, and the texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.background import redis
from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.messages.texts.languages import language_labels
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.enums import CONSENT_STATUS_LABELS, DECIDED_BY_LABELS, RELATION_LABELS
from hms.patients.models import ConsentKind
from hms.patients.records.banner import patient_banner
from hms.staff import directory as staff

from . import actions, queries
from .forms import DecisionForm, ErrorForm, KindForm, TextForm, WithdrawalForm


def _render(template: str, patient_id: int, **values: Any) -> str:
    """A page about the consents of a patient, who is in the banner."""
    patient, who = lookup.patient(patient_id), current_person()
    policy.check_team(patient, who)
    read_log.record_read("patients.read_consents", patient_id, entity="patient", entity_id=patient_id)
    words = {
        "statuses": CONSENT_STATUS_LABELS,
        "deciders": DECIDED_BY_LABELS,
        "relations": RELATION_LABELS,
        "languages": language_labels(),
    }
    return render_template(
        f"patients/{template}.html", patient=patient, banner=patient_banner(patient, who), **words, **values
    )


@pages.route("/<int:patient_id>/consents", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT)
def consents(patient_id: int) -> ResponseReturnValue:
    """What the patient decided about each text; record a decision."""
    form = DecisionForm()
    if form.save(actions.record_consent, by=current_person(), patient_id=patient_id):
        flash(_("Consent recorded: %(status)s.", status=CONSENT_STATUS_LABELS[form.result.status]), "success")
        return redirect(url_for(".consents", patient_id=patient_id), 303)
    rows = queries.list_consents(patient_id)
    names = staff.display_names({row.recorded_by_id for row in rows if row.recorded_by_id})
    page = _render("consents", patient_id, form=form, rows=rows, states=queries.states(rows), names=names)
    return page, form.status


@pages.get("/<int:patient_id>/consents/<int:consent_id>")
@requires(Permission.EDIT_PATIENT)
def consent(patient_id: int, consent_id: int) -> ResponseReturnValue:
    """One decision with its text."""
    return _consent_page(patient_id, consent_id, WithdrawalForm(formdata=None), ErrorForm(formdata=None))


def _consent_page(patient_id: int, consent_id: int, withdrawal: ActionForm, error: ActionForm) -> ResponseReturnValue:
    row = queries.get_consent(patient_id, consent_id)
    names = staff.display_names({who for who in (row.recorded_by_id, row.ended_by_id) if who})
    forms = {"withdrawal": withdrawal, "error": error}
    return _render("consent", patient_id, row=row, names=names, **forms), max(withdrawal.status, error.status)


@pages.post("/<int:patient_id>/consents/<int:consent_id>/withdraw")
@requires(Permission.EDIT_PATIENT)
def withdraw_consent(patient_id: int, consent_id: int) -> ResponseReturnValue:
    """Record that the consent is withdrawn."""
    form, named = WithdrawalForm(), {"patient_id": patient_id, "consent_id": consent_id}
    if form.save(actions.withdraw_consent, by=current_person(), **named):
        flash(_("Withdrawal of the consent recorded."), "success")
        return redirect(url_for(".consents", patient_id=patient_id), 303)
    return _consent_page(patient_id, consent_id, form, ErrorForm(formdata=None))


@pages.post("/<int:patient_id>/consents/<int:consent_id>/error")
@requires(Permission.EDIT_PATIENT)
def consent_in_error(patient_id: int, consent_id: int) -> ResponseReturnValue:
    """Mark the decision as entered in error."""
    form, named = ErrorForm(), {"patient_id": patient_id, "consent_id": consent_id}
    if form.save(actions.mark_as_error, by=current_person(), **named):
        flash(_("Consent marked as entered in error."), "success")
        return redirect(url_for(".consents", patient_id=patient_id), 303)
    return _consent_page(patient_id, consent_id, WithdrawalForm(formdata=None), form)


@pages.post("/<int:patient_id>/consents/texts/<int:text_id>/form")
@requires(Permission.EDIT_PATIENT)
def ask_for_form(patient_id: int, text_id: int) -> ResponseReturnValue:
    """Ask for a form to sign with this text."""
    form = ActionForm()
    if form.save(_asked(patient_id, text_id), by=current_person()):
        return redirect(url_for(".consent_form", patient_id=patient_id, form_id=form.result.id), 303)
    return redirect(url_for(".consents", patient_id=patient_id), 303)


def _asked(patient_id: int, text_id: int) -> Callable[..., Any]:
    return lambda *, by, **_posted: actions.ask_for_form(patient_id, text_id=text_id, by=by)


@pages.get("/<int:patient_id>/consents/forms/<int:form_id>")
@requires(Permission.EDIT_PATIENT)
def consent_form(patient_id: int, form_id: int) -> ResponseReturnValue:
    """The PDF of a form; while it is being made, 202 and a page that waits."""
    form = queries.get_form(patient_id, form_id)
    if form.content is None:
        return _render("consent_wait", patient_id, printer_answers=redis.is_available), 202
    policy.check_team(lookup.patient(patient_id), current_person())
    read_log.record_read("patients.read_consents", patient_id, entity="consent_form", entity_id=form_id)
    response = make_response(form.content)
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="consent-{form_id}.pdf"'
    return response


@pages.route("/consent-texts", methods=["GET", "POST"])
@requires(Permission.MANAGE_CONSENT_TEXTS)
def consent_texts() -> ResponseReturnValue:
    """The kinds of consent with their present texts; add a kind."""
    form = KindForm()
    if form.save(lambda **typed: actions.save_kind(None, **typed), by=current_person()):
        flash(_("Kind of consent added. Write its text."), "success")
        return redirect(url_for(".consent_kind", kind_id=form.result.id), 303)
    words = {"kinds": queries.list_kinds(), "texts": queries.newest_texts(), "languages": language_labels()}
    return render_template("patients/consent_texts.html", form=form, **words), form.status


@pages.route("/consent-texts/<int:kind_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_CONSENT_TEXTS)
def consent_kind(kind_id: int) -> ResponseReturnValue:
    """One kind: rename or close it."""
    kind = get_or_not_found(ConsentKind, kind_id)
    form = KindForm(data={"name": kind.name, "is_open": kind.is_open, "version": kind.version})
    if form.save(lambda **typed: actions.save_kind(kind_id, **typed), by=current_person()):
        flash(_("Kind of consent saved."), "success")
        return redirect(url_for(".consent_kind", kind_id=kind_id), 303)
    return _kind_page(kind_id, form, TextForm(formdata=None))


def _kind_page(kind_id: int, form: KindForm, text: TextForm) -> ResponseReturnValue:
    words = {"texts": queries.newest_texts().get(kind_id, []), "languages": language_labels()}
    page = render_template(
        "patients/consent_kind.html", kind=get_or_not_found(ConsentKind, kind_id), form=form, text_form=text, **words
    )
    return page, max(form.status, text.status)


@pages.post("/consent-texts/<int:kind_id>/texts")
@requires(Permission.MANAGE_CONSENT_TEXTS)
def write_consent_text(kind_id: int) -> ResponseReturnValue:
    """Write the next version of the text in a language."""
    kind, form = get_or_not_found(ConsentKind, kind_id), TextForm()
    if form.save(actions.write_text, by=current_person(), kind_id=kind_id):
        flash(_("Version %(number)s saved. It is used from now on.", number=form.result.number), "success")
        return redirect(url_for(".consent_kind", kind_id=kind_id), 303)
    stored = {"name": kind.name, "is_open": kind.is_open, "version": kind.version}
    return _kind_page(kind_id, KindForm(formdata=None, data=stored), form)
