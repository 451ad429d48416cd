"""Pages: register a patient, continue an unfinished registration, register an unknown patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from hms.core import clock
from hms.core.api import read_log
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.formatting import clock_time
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.patients import forms
from hms.patients.blueprints import pages, redirect_after_save
from hms.patients.models import Patient
from hms.patients.search import duplicates
from hms.patients.search.duplicates import DuplicateCandidate

from . import actions, drafts


@pages.route("/new", methods=["GET", "POST"])
@requires(Permission.REGISTER_PATIENT)
def new() -> ResponseReturnValue:
    """Register a patient; likely records of the same person are shown while typing, and once before saving.

    The typed values are saved as a draft, so that an interrupted registration can be continued.
    """
    typed = request.args.get("q", "")[:100]
    form = forms.RegistrationForm(data=_initial_values(typed) if request.method == "GET" else None)
    if form.save(actions.finish_registration, by=current_person()):
        return _redirect_after_registration(form.result)
    if not drafts.is_key(form.draft.data):
        form.draft.data = drafts.new_key()
    if form.is_submitted():
        drafts.save_draft(current_person(), form.draft.data, form.data)
    return _render_registration(form, typed), form.status


def _initial_values(typed: str) -> dict[str, Any] | None:
    """Initial values of the form: a draft, or the search text."""
    key = request.args.get("draft", "")
    content = drafts.get_content(current_person(), key) if key else None
    if content is not None:
        return content | {"draft": key}
    if key:
        flash(_("This registration is finished or was discarded."), "caution")
    return forms.fields_from_search(typed) if typed else None


def _render_registration(form: forms.RegistrationForm, typed: str) -> str:
    match = getattr(form.conflict, "match", None) if form.is_submitted() else None
    is_filled = typed or form.is_submitted() or form.first_name.data
    candidates = duplicates.duplicate_candidates(form.person(), who=current_person()) if is_filled else []
    _record_search(candidates)
    waiting = [draft for draft in drafts.unfinished_registrations(current_person()) if draft.key != form.draft.data]
    return render_template(
        "patients/new.html", form=form, candidates=candidates, match=match, search_text=typed, waiting=waiting
    )


@pages.get("/new/draft/<string(length=12):draft>")
@requires(Permission.REGISTER_PATIENT)
def draft_key(draft: str) -> ResponseReturnValue:
    """A new form token for a page that is older than its session; `NotFound` when another user has signed in meanwhile."""
    if drafts.belongs_to_other(current_person(), draft):
        raise NotFound(N_("This registration was started by a colleague."))
    return {"csrf_token": generate_csrf()}


@pages.post("/new/draft/<string(length=12):draft>")
@requires(Permission.REGISTER_PATIENT)
def keep_registration(draft: str) -> ResponseReturnValue:
    """Save the draft, called every few seconds; registers no patient."""
    typed = request.get_json()
    if not isinstance(typed, dict) or not drafts.is_key(draft):
        raise RuleBroken(N_("The request could not be read. Send it again."))
    saved_at = drafts.save_draft(current_person(), draft, typed) or clock.now()
    return {"saved_at": clock_time(saved_at, seconds=True)}


@pages.post("/new/draft/<string(length=12):draft>/discard")
@requires(Permission.REGISTER_PATIENT)
def discard_registration(draft: str) -> ResponseReturnValue:
    """Discard a draft."""
    drafts.discard(current_person(), draft)
    flash(_("Unfinished registration discarded."), "success")
    return redirect(url_for("patients.index"), 303)


def _redirect_after_registration(patient: Patient) -> ResponseReturnValue:
    flash(_("Registered with hospital number %(number)s.", number=patient.hospital_number), "success")
    return redirect_after_save(patient.id)


@pages.post("/lookalikes")
@requires(Permission.REGISTER_PATIENT)
def lookalikes() -> str:
    """The panel of possible duplicates for the values typed so far; writes nothing."""
    form = forms.RegistrationForm()
    candidates = duplicates.duplicate_candidates(form.person(), who=current_person())
    _record_search(candidates)
    return render_template("patients/_lookalikes.html", candidates=candidates)


def _record_search(candidates: Sequence[DuplicateCandidate]) -> None:
    read_log.record_list_read("patients.read_list", len(candidates), entity="patient", is_search=True)


@pages.route("/unknown", methods=["GET", "POST"])
@requires(Permission.REGISTER_PATIENT)
def unknown() -> ResponseReturnValue:
    """Register a patient whose identity is unknown."""
    form = forms.UnknownForm()
    if form.save(actions.register_unknown, by=current_person()):
        return _redirect_after_registration(form.result)
    return render_template("patients/unknown.html", form=form), form.status
