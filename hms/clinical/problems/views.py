"""The page of the problem list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical.blueprints import pages
from hms.clinical.diagnoses import codes
from hms.clinical.forms import ProblemEndForm, ProblemForm
from hms.core.api import read_log
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.records import banner

from . import actions, queries


@pages.get("/patients/<int:patient_id>/problems")
@requires(Permission.OPEN_CHART)
def problems(patient_id: int) -> ResponseReturnValue:
    """The problem list."""
    return _problem_page(patient_id, ProblemForm(formdata=None))


@pages.post("/patients/<int:patient_id>/problems")
@requires(Permission.KEEP_PROBLEMS)
def add_problem(patient_id: int) -> ResponseReturnValue:
    """Add a problem to the list."""
    form = ProblemForm()
    if "look_up" in request.form:
        found = codes.find_codes(form.text.data or "")
        choices = [(row.code, f"{row.title} ({row.code})") for row in found.rows]
        return _problem_page(patient_id, form, choices=choices, is_similar=found.is_similar)
    if form.save(actions.add_problem, by=current_person(), patient_id=patient_id):
        flash(_("%(problem)s is on the problem list.", problem=form.result.title), "success")
        return redirect(url_for("clinical.problems", patient_id=patient_id), 303)
    return _problem_page(patient_id, form)


def _problem_page(patient_id: int, form: ActionForm, **more: Any) -> ResponseReturnValue:
    patient = lookup.patient(patient_id)
    policy.check(patient, current_person())
    read_log.record_read("clinical.read_problems", patient_id, entity="patient", entity_id=patient_id)
    context = {"choices": (), "is_similar": False, "ending": None, "refused": []} | more
    page = render_template(
        "clinical/problems.html",
        form=form,
        patient=patient,
        banner=banner.patient_banner(patient, current_person()),
        problems=queries.list_problems(patient_id),
        unlisted=queries.find_unlisted(patient_id),
        system_name=codes.system_name,
        **context,
    )
    return page, 409 if context["refused"] else form.status


@pages.post("/patients/<int:patient_id>/problems/<int:problem_id>/<step>")
@requires(Permission.KEEP_PROBLEMS)
def change_problem(patient_id: int, problem_id: int, step: str) -> ResponseReturnValue:
    """Confirm, doubt, resolve or reopen a problem of this patient, or take it off the list."""
    form, steps = ProblemEndForm(), _steps()
    policy.check(lookup.patient(patient_id), current_person())
    if step not in steps or not any(row.id == problem_id for row in queries.list_problems(patient_id)):
        raise NotFound(actions.NOT_THERE)
    act, message = steps[step]
    typed = {"resolved_on": form.resolved_on.data or ""} if step == "resolve" else {}
    if form.save(lambda by, **_fields: act(problem_id, **typed, by=by), by=current_person()):
        flash(f"{form.result.title}: {message}", "success")
        return redirect(url_for("clinical.problems", patient_id=patient_id), 303)
    refused = [*form.form_errors, *form.resolved_on.errors]
    return _problem_page(patient_id, ProblemForm(formdata=None), ending=problem_id, refused=refused)


def _steps() -> dict[str, tuple[Callable[..., Any], str]]:
    """What a button does, and what is said when it was done."""
    return {
        "confirm": (partial(actions.set_certainty, certainty="confirmed"), _("confirmed.")),
        "doubt": (partial(actions.set_certainty, certainty="provisional"), _("provisional now.")),
        "resolve": (actions.resolve_problem, _("resolved.")),
        "reopen": (actions.reopen_problem, _("active again.")),
        "withdraw": (actions.withdraw_problem, _("taken off the list as entered in error.")),
    }


@pages.post("/patients/<int:patient_id>/problems/list/<int:condition_id>")
@requires(Permission.KEEP_PROBLEMS)
def list_diagnosis(patient_id: int, condition_id: int) -> ResponseReturnValue:
    """Add a visit's diagnosis of this patient to the list."""
    form = ProblemEndForm()
    policy.check(lookup.patient(patient_id), current_person())
    if not any(row.id == condition_id for row in queries.find_unlisted(patient_id)):
        raise NotFound(N_("This diagnosis is on the list already, or no longer there."))
    if form.save(lambda by, **_fields: actions.list_diagnosis(condition_id, by=by), by=current_person()):
        flash(_("%(problem)s is on the problem list.", problem=form.result.title), "success")
        return redirect(url_for("clinical.problems", patient_id=patient_id), 303)
    return _problem_page(patient_id, ProblemForm(formdata=None), refused=form.form_errors)
