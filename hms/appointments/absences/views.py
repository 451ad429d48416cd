"""Pages: doctors who are away, and what becomes of their appointments."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.availability.queries import list_absences
from hms.appointments.blueprints import pages
from hms.appointments.enums import STATUS_LABELS, STAY_LABELS
from hms.appointments.forms import AwayForm, BlockForm
from hms.appointments.view_helpers import NO_DOCTOR, get_number_parameter, list_doctor_choices, run_or_flash
from hms.core import clock
from hms.core.api import read_log
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.messages.channels.sending import usable_channels
from hms.messages.enums import CHANNEL_LABELS

from . import actions, queries, rules
from .queries import Plan, Span

YEAR = dt.timedelta(days=366)


@pages.route("/appointments/absences", methods=["GET", "POST"])
@requires(Permission.BLOCK_TIME)
def absences() -> ResponseReturnValue:
    """Absences from today on; record one. When patients are booked then, the page first shows what would become of them."""
    who, form = current_person(), BlockForm()
    doctors = [doctor for doctor in list_doctor_choices() if queries.may_keep_time_of(doctor.value, who)]
    is_own = [doctor.value for doctor in doctors] == [who.id]
    form.doctor.choices = doctors if is_own else [NO_DOCTOR, *doctors]
    form.doctor.data = who.id if is_own else form.doctor.data or get_number_parameter("doctor")
    form.to_doctor.choices = [NO_DOCTOR, *list_doctor_choices()]
    plan = _plan_of_form(form)
    if (plan is None or not plan.steps or "do" in request.form) and form.save(actions.record_absence, by=who):
        return _redirect_after(form.result)
    plan = _plan_of_form(form) if form.conflict else plan
    names = {doctor.value: doctor.label for doctor in doctors}
    rows = list_absences(clock.today(), clock.today() + YEAR, names)
    return _render("absences.html", form, plan, rows=rows, names=names, is_own=is_own)


def _plan_of_form(form: BlockForm) -> Plan | None:
    """What would become of the appointments in the time of the form; None while the form is not filled in."""
    if not form.is_submitted() or not form.validate():
        return None
    try:
        values = form.values()
        if not queries.may_keep_time_of(values["doctor_id"], current_person()):
            return None
        rules.check_times(values["starts"], values["ends"], clock.now())
        span = Span(values["doctor_id"], values["starts"], values["ends"])
        return queries.make_plan(span, _instruction_or_refusal(form, span))
    except RuleBroken as refusal:
        form.refuse(refusal)
        return None


def _instruction_or_refusal(form: AwayForm, span: Span) -> Any:
    """The chosen instruction; None, with the error at its field, when it cannot be followed."""
    try:
        queries.check_instruction(span, form.instruction)
    except RuleBroken as refusal:
        form.refuse(refusal)
        return None
    return form.instruction


def _render(template: str, form: AwayForm, plan: Plan | None, **values: Any) -> ResponseReturnValue:
    if plan is not None:
        read_log.record_list_read("appointments.read_list", len(plan.steps), entity="appointment")
        form.seen.data = plan.key
    words = {
        "stay_words": STAY_LABELS,
        "status_words": STATUS_LABELS,
        "channel_words": CHANNEL_LABELS,
        "has_channel": bool(usable_channels()),
    }
    page = render_template(f"appointments/{template}", form=form, plan=plan, **words, **values)
    return page, form.status


def _redirect_after(recorded: actions.Recorded) -> ResponseReturnValue:
    if not recorded.plan.steps:
        flash(_("Absence recorded."), "success")
        return redirect(url_for("appointments.absences"), 303)
    flash(_("Absence recorded: %(done)s.", done=describe(recorded.plan)), "success")
    return redirect(url_for("appointments.absence", absence_id=recorded.absence.id), 303)


def describe(plan: Plan) -> str:
    """What was done with the appointments of a plan, for example "12 moved, 1 left: no free place"."""
    parts = [_("%(count)s moved", count=plan.moved)] if plan.moved else []
    parts += [_("%(count)s cancelled", count=plan.cancelled)] if plan.cancelled else []
    parts += [
        _("%(count)s left: %(reason)s", count=count, reason=STAY_LABELS[reason]) for reason, count in plan.left.items()
    ]
    return ", ".join(parts)


@pages.route("/appointments/absences/<int:absence_id>", methods=["GET", "POST"])
@requires(Permission.BLOCK_TIME)
def absence(absence_id: int) -> ResponseReturnValue:
    """One absence, with the appointments that are still in its time; move or cancel them."""
    row, form = queries.get_absence(absence_id), AwayForm()
    if not queries.may_keep_time_of(row.doctor_id, current_person()):
        raise NotFound(N_("This record does not exist."))
    form.to_doctor.choices = [NO_DOCTOR, *list_doctor_choices()]
    span = Span(row.doctor_id, row.starts, row.ends)
    is_chosen = form.is_submitted() and form.validate() and form.instruction is not None
    if (
        is_chosen
        and "do" in request.form
        and form.save(actions.settle_absence, absence_id=absence_id, by=current_person())
    ):
        flash(_("Done: %(done)s.", done=describe(form.result.plan)), "success")
        return redirect(url_for("appointments.absence", absence_id=absence_id), 303)
    plan = queries.make_plan(span, _instruction_or_refusal(form, span) if is_chosen else None)
    return _render("absence.html", form, plan, row=row, is_over=row.ends < clock.now())


@pages.post("/appointments/absences/<int:absence_id>/remove")
@requires(Permission.BLOCK_TIME)
def unblock(absence_id: int) -> ResponseReturnValue:
    """Remove an absence."""
    if run_or_flash(actions.remove_absence, absence_id):
        flash(_("Absence removed."), "success")
    return redirect(url_for("appointments.absences"), 303)
