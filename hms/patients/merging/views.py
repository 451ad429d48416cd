"""Pages: two records side by side, requests to merge and to separate, and their approval."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.db.session import get_or_not_found
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.enums import PatientStatus
from hms.patients.models import Patient, PatientMerge
from hms.patients.read_entries import record_read_of_both
from hms.patients.search import queries as search_queries
from hms.staff.sign_in.reauthentication import is_recent, with_recent_authentication

from . import actions, moved_rows, queries, row_words
from .forms import FIELD_LABELS, ApprovalForm, MergeForm, ReasonForm, SeparationForm, row_key


@pages.route("/<int:patient_id>/merge", methods=["GET", "POST"])
@requires(Permission.PROPOSE_MERGE)
def merge(patient_id: int) -> ResponseReturnValue:
    """Choose the other record, compare the two, and request the merge. The record of the address is kept."""
    kept, form = lookup.patient(patient_id), MergeForm()
    other, problem = _other_record(kept, form)
    if other is None:
        policy.check_team(kept, current_person())
        read_log.record_read("patients.read", kept.id, entity="patient", entity_id=kept.id)
        typed = request.args.get("number", "")
        return render_template("patients/merge_start.html", patient=kept, typed=typed, problem=problem)
    actions.check_restricted((kept, other), current_person())
    form.compare(kept, other)
    if form.save(actions.request_merge, by=current_person(), kept_id=kept.id, merged_id=other.id):
        flash(_("Request sent. A colleague with the right to merge decides."), "success")
        return redirect(url_for("patients.merge_request", merge_id=form.result.id), 303)
    record_read_of_both(kept.id, other.id)
    page = render_template("patients/merge.html", form=form, kept=kept, merged=other, labels=FIELD_LABELS)
    return page, form.status


def _other_record(kept: Patient, form: MergeForm) -> tuple[Patient | None, str]:
    """The record named by its id or its typed number, or what is wrong with the number."""
    other_id = form.other.data or parse_record_id(request.args.get("other", ""))
    typed = request.args.get("number", "")
    if other_id is None and typed:
        found = [hit.id for hit in search_queries.search_patients(typed, limit=2, who=current_person())]
        if len(found) != 1 or search_queries.parse_for_reader(typed).hospital_number is None:
            return None, _("Type the whole hospital number of the other record.")
        other_id = found[0]
    if other_id == kept.id:
        return None, _("This is the number of the record itself. Type that of the other one.")
    return (lookup.patient(other_id) if other_id is not None else None), ""


@pages.get("/merges")
@requires(Permission.PROPOSE_MERGE)
def merges() -> str:
    """Requests to merge and to separate: to decide, one's own, decided ones."""
    show = request.args.get("show", "waiting")
    listing = queries.list_requests(
        show if show in queries.LISTS else "waiting",
        current_person(),
        after=parse_record_id(request.args.get("after", "")),
        before=parse_record_id(request.args.get("before", "")),
    )
    read_log.record_list_read("patients.read_list", len(listing.rows), entity="patient_merge")
    return render_template("patients/merges.html", show=listing.name, listing=listing)


def _summary(merge_id: int) -> dict[str, Any]:
    """The request with its two records, for people who may see the demographics of both."""
    row, who = queries.get_request(merge_id), current_person()
    for patient in (row.kept, row.merged):
        if patient.status == PatientStatus.WITHDRAWN and not lookup.sees_withdrawn(who):
            raise NotFound(lookup.NO_PATIENT)
        policy.check_team(patient, who)
    record_read_of_both(row.kept.id, row.merged.id)
    return {"row": row, "labels": FIELD_LABELS}


@pages.get("/merges/<int:merge_id>")
@requires(Permission.PROPOSE_MERGE)
def merge_request(merge_id: int) -> str:
    """One request: the two records, the choices and the decision."""
    summary = _summary(merge_id)
    can_separate = queries.can_separate(summary["row"].request)
    return render_template("patients/merge_request.html", can_separate=can_separate, **summary)


@pages.route("/merges/<int:merge_id>/approve", methods=["GET", "POST"])
@requires(Permission.APPROVE_MERGE)
def approve_merge(merge_id: int) -> ResponseReturnValue:
    """Approve a request, after typing the number of the record that ends and re-authentication. It takes effect at once."""
    form, who = ApprovalForm(), current_person()
    asked = queries.get_request(merge_id)
    form.expected = asked.merged.hospital_number
    if form.save(with_recent_authentication(actions.approve, who), by=who, request_id=merge_id):
        done = _("Records merged.") if asked.request.kind == "merge" else _("Records separated.")
        flash(done, "success")
        return redirect(url_for("patients.merge_request", merge_id=merge_id), 303)
    values = _summary(merge_id) | {"form": form, "is_fresh": is_recent(who)}
    return render_template("patients/merge_approve.html", **values), form.status


@pages.route("/merges/<int:merge_id>/decline", methods=["GET", "POST"])
@requires(Permission.APPROVE_MERGE)
def decline_merge(merge_id: int) -> ResponseReturnValue:
    """Decline a request, with a reason."""
    form = ReasonForm()
    if form.save(actions.decline, by=current_person(), request_id=merge_id):
        flash(_("Request declined."), "success")
        return redirect(url_for("patients.merges"), 303)
    return render_template("patients/merge_decline.html", form=form, **_summary(merge_id)), form.status


@pages.post("/merges/<int:merge_id>/withdraw")
@requires(Permission.PROPOSE_MERGE)
def withdraw_merge(merge_id: int) -> ResponseReturnValue:
    """Withdraw one's own request."""
    if press(actions.withdraw_request, request_id=merge_id):
        flash(_("Request withdrawn."), "success")
    return redirect(url_for("patients.merge_request", merge_id=merge_id), 303)


@pages.route("/merges/<int:merge_id>/separate", methods=["GET", "POST"])
@requires(Permission.PROPOSE_MERGE)
def separate_merge(merge_id: int) -> ResponseReturnValue:
    """Choose where rows added since the merge belong, and request the separation."""
    form, undone = SeparationForm(), get_or_not_found(PatientMerge, merge_id)
    if not queries.can_separate(undone):
        raise RuleBroken(N_("Only records that are merged can be separated."), code="not_merged")
    if form.save(actions.request_separation, by=current_person(), merge_id=merge_id):
        flash(_("Request sent. A colleague with the right to merge decides."), "success")
        return redirect(url_for("patients.merge_request", merge_id=form.result.id), 303)
    both = (get_or_not_found(Patient, patient_id) for patient_id in (undone.kept_id, undone.merged_id))
    actions.check_restricted(both, current_person())
    plan = moved_rows.plan_separation(undone)
    later = {row for group in plan.groups for row in group} | plan.follows | plan.stays | set(plan.tangled)
    values = {"form": form, "plan": plan, "words": row_words.described(later), "row_key": row_key}
    values["chosen"] = request.form.getlist("row")
    return render_template("patients/separate.html", **values, **_summary(merge_id)), form.status
