"""Pages: repeat an appointment; move or cancel an appointment of a series and all that follow."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.bookings.actions import NO_APPOINTMENT
from hms.appointments.enums import CLASH_LABELS, STATUS_LABELS
from hms.appointments.forms import CANCEL_REASONS, FollowingForm, SeriesForm
from hms.appointments.view_helpers import list_doctor_choices, run_or_flash
from hms.core.api import read_log
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires

from . import actions, queries
from .queries import FollowingPlan, SeriesPlan, Shift


def _get_booking(appointment_id: int) -> Any:
    """The booking, for a person who may change it."""
    row, who = booking_queries.get_appointment(appointment_id), current_person()
    if not who.may(Permission.EDIT_ANY_APPOINTMENT) and row.doctor_id != who.id:
        raise NotFound(NO_APPOINTMENT)
    return row


def _render(template: str, row: Any, **values: Any) -> str:
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=row.id)
    return render_template(f"appointments/{template}", row=row, clashes=CLASH_LABELS, **values)


@pages.route("/appointments/<int:appointment_id>/repeat", methods=["GET", "POST"])
@requires(Permission.BOOK)
def repeat(appointment_id: int) -> ResponseReturnValue:
    """Repeat an appointment: first the dates are shown, with what stands against them."""
    row, form = _get_booking(appointment_id), SeriesForm()
    plan = None
    if "do" in request.form and form.save(
        lambda **values: actions.book_series(appointment_id, **values), by=current_person()
    ):
        flash(_("Series: %(done)s.", done=_describe(form.result.plan)), "success")
        return redirect(url_for("appointments.series", appointment_id=appointment_id), 303)
    if form.is_submitted() and (form.conflict or form.validate()):
        try:
            plan = queries.plan_series(_get_booking(appointment_id), form.pattern)
            form.seen.data = plan.key
        except RuleBroken as refusal:
            form.refuse(refusal)
    return _render("repeat.html", row, form=form, plan=plan), form.status


def _describe(plan: SeriesPlan) -> str:
    """What was booked, for example "10 booked, 1 not: holiday"."""
    clashes = [one.clash for one in plan.occurrences if one.clash]
    return _join(_("%(count)s booked", count=len(plan.free)), clashes)


def _join(done: str, clashes: list[Any]) -> str:
    left = [
        _("%(count)s not: %(reason)s", count=clashes.count(clash), reason=CLASH_LABELS[clash])
        for clash in dict.fromkeys(clashes)
    ]
    return ", ".join([done, *left])


@pages.route("/appointments/<int:appointment_id>/series", methods=["GET", "POST"])
@requires(Permission.EDIT_APPOINTMENT)
def series(appointment_id: int) -> ResponseReturnValue:
    """The series of an appointment; move this one and all that follow: first the new times are shown."""
    row, who = _get_booking(appointment_id), current_person()
    if row.series_id is None:
        raise NotFound(NO_APPOINTMENT)
    form = (
        FollowingForm() if request.method == "POST" else FollowingForm(data={"doctor": row.doctor_id, "time": row.time})
    )
    form.doctor.choices = list_doctor_choices()
    if "do" in request.form and form.save(lambda **values: actions.move_following(appointment_id, **values), by=who):
        flash(_("Series: %(done)s.", done=_describe_move(form.result)), "success")
        return redirect(url_for("appointments.series", appointment_id=appointment_id), 303)
    plan = _plan_move(row, form)
    rows = queries.list_series(row)
    following = queries.plan_following(row, None, who)
    values = {"form": form, "plan": plan, "rows": rows, "following": following, "reasons": CANCEL_REASONS}
    values |= {"can_move": who.may(Permission.MOVE_APPOINTMENT), "status_words": STATUS_LABELS}
    return _render("series.html", row, **values), form.status


def _plan_move(row: Any, form: FollowingForm) -> FollowingPlan | None:
    """The plan of the form, whose key it then has; None while the form is not filled in."""
    if not form.is_submitted() or not (form.conflict or form.validate()):
        return None
    if not current_person().may(Permission.MOVE_APPOINTMENT):
        return None
    try:
        shift = Shift(form.date.data, form.time.data, form.doctor.data)
        plan = queries.plan_following(row, shift, current_person())
    except RuleBroken as refusal:
        form.refuse(refusal)
        return None
    form.seen.data = plan.key
    return plan


def _describe_move(plan: FollowingPlan) -> str:
    """What was moved, for example "5 moved, 1 not: no free place"."""
    return _join(_("%(count)s moved", count=len(plan.moved)), [step.clash for step in plan.left])


@pages.post("/appointments/<int:appointment_id>/series/cancel")
@requires(Permission.EDIT_APPOINTMENT)
def cancel_series(appointment_id: int) -> ResponseReturnValue:
    """Cancel this appointment and all that follow, with the reason of the pressed button."""
    reason = request.form.get("reason", "")
    known_reason = reason if reason in dict(CANCEL_REASONS) else ""
    seen = request.form.get("seen") or None
    plan = run_or_flash(actions.cancel_following, appointment_id, reason=known_reason, seen=seen)
    if plan:
        flash(_("Series: %(count)s cancelled.", count=len(plan.steps)), "success")
    return redirect(url_for("appointments.series", appointment_id=appointment_id), 303)
