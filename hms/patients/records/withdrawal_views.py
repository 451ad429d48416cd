"""Pages: withdraw a patient's record, list the withdrawn ones, restore one."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import press
from hms.core.web.forms import ActionForm, Required, Text
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.blueprints import pages
from hms.patients.search import queries as search_queries

from . import actions, banner, queries


class WithdrawalForm(ActionForm):
    """Reason for withdrawing a record."""

    reason = Text(_l("Reason"), [Required()], longest=actions.MAX_LENGTH["withdrawn_reason"])


@pages.route("/<int:patient_id>/withdraw", methods=["GET", "POST"])
@requires(Permission.WITHDRAW_PATIENT)
def withdraw(patient_id: int) -> ResponseReturnValue:
    """Withdraw a record that was made by mistake."""
    patient, who = lookup.patient(patient_id), current_person()
    form = WithdrawalForm()
    if form.save(actions.withdraw_patient, by=who, patient_id=patient_id):
        flash(_("Record withdrawn."), "success")
        return redirect(f"/patients/{patient_id}", 303)
    values = {"patient": patient, "banner": banner.patient_banner(patient, who), "form": form}
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    return render_template("patients/withdraw.html", **values), form.status


@pages.post("/<int:patient_id>/restore")
@requires(Permission.WITHDRAW_PATIENT)
def restore(patient_id: int) -> ResponseReturnValue:
    """Undo the withdrawal of a record."""
    if press(actions.restore_patient, patient_id=patient_id):
        flash(_("Record restored."), "success")
    return redirect(f"/patients/{patient_id}", 303)


@pages.get("/withdrawn")
@requires(Permission.WITHDRAW_PATIENT)
def withdrawn() -> str:
    """The withdrawn records by family name, page by page."""
    listing = queries.patients_by_name(
        after=parse_record_id(request.args.get("after", "")),
        before=parse_record_id(request.args.get("before", "")),
        status="withdrawn",
    )
    read_log.record_list_read("patients.read_list", len(listing.rows), entity="patient")
    hits = [search_queries.build_result(row, who=current_person()) for row in listing.rows]
    return render_template("patients/withdrawn.html", hits=hits, listing=listing)
