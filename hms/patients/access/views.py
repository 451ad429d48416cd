"""Pages: emergency access to a restricted record; restrict a record, remove the restriction."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField
from wtforms.validators import Length

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.forms import ActionForm, Required, Text
from hms.core.web.guard import current_person, requires, safe_next
from hms.patients import lookup
from hms.patients.blueprints import pages
from hms.patients.records import banner
from hms.staff.sign_in.reauthentication import with_reauthentication

from . import actions, policy

_LONG_ENOUGH = Length(min=actions.MIN_REASON_LENGTH, message=_l("Enter a reason of at least ten characters."))


class BreakGlassForm(ActionForm):
    """Reason and proof of identity for emergency access."""

    reason = Text(_l("Why do you need this record now?"), [Required(), _LONG_ENOUGH], longest=actions.MAX_REASON_LENGTH)
    proof = PasswordField(_l("Your password, or the code of your authenticator app"), [Required()])


class RestrictionForm(ActionForm):
    """Reason for restricting a record or removing the restriction."""

    reason = Text(_l("Reason"), [Required(), _LONG_ENOUGH], longest=actions.MAX_REASON_LENGTH)


@pages.route("/<int:patient_id>/break-glass", methods=["GET", "POST"])
@requires(Permission.BREAK_GLASS)
def break_glass(patient_id: int) -> ResponseReturnValue:
    """Open a restricted record for an hour, with a reason and without approval; notifies the privacy reviewers.

    `next` is the page to return to afterwards.
    """
    patient, who = lookup.patient(patient_id), current_person()
    form, back = BreakGlassForm(), safe_next(request.values.get("next"))
    onward = back or f"/patients/{patient_id}"
    if form.save(with_reauthentication(actions.break_glass), by=who, patient_id=patient_id):
        return redirect(onward, 303)
    if not form.is_submitted() and policy.is_open(patient, who):
        return redirect(onward)
    values = {"patient": patient, "banner": banner.patient_banner(patient, who), "form": form, "next": back}
    values |= {"back": back or f"/patients/{patient_id}", "shortest": actions.MIN_REASON_LENGTH}
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    return render_template("patients/break_glass.html", **values), form.status


@pages.route("/<int:patient_id>/restrict", methods=["GET", "POST"])
@requires(Permission.RESTRICT_PATIENT)
def restrict(patient_id: int) -> ResponseReturnValue:
    """Restrict a record to the care team, or remove the restriction."""
    patient, who = lookup.patient(patient_id), current_person()
    policy.check_team(patient, who)
    action = actions.lift_restriction if patient.is_restricted else actions.restrict
    message = _("Restriction removed.") if patient.is_restricted else _("Record restricted.")
    form = RestrictionForm()
    if form.save(action, by=who, patient_id=patient_id):
        flash(message, "success")
        return redirect(f"/patients/{patient_id}", 303)
    values = {"patient": patient, "banner": banner.patient_banner(patient, who), "form": form}
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    return render_template("patients/restrict.html", **values), form.status
