"""Pages: clinic hours and blocked times."""

from __future__ import annotations

import datetime as dt

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.forms import WEEKDAYS, BlockForm, HoursForm
from hms.appointments.view_helpers import NO_DOCTOR, get_number_parameter, list_doctor_choices, run_or_flash
from hms.core import clock
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires

from . import actions, queries

YEAR = dt.timedelta(days=366)


@pages.route("/appointments/hours", methods=["GET", "POST"])
@requires(Permission.MANAGE_HOURS)
def hours() -> ResponseReturnValue:
    """List all doctors' clinic hours from today on; add more."""
    form, doctors = HoursForm(), list_doctor_choices()
    form.doctor.choices = [NO_DOCTOR, *doctors]
    form.doctor.data = form.doctor.data or get_number_parameter("doctor")
    if form.save(actions.add_hours, by=current_person()):
        flash(_("Clinic hours saved."), "success")
        return redirect(url_for("appointments.hours", doctor=form.doctor.data), 303)
    names = {doctor.value: doctor.label for doctor in doctors}
    today = clock.today()
    rows = queries.get_hours_and_absences(today, today + YEAR, names).hours
    place = {doctor_id: number for number, doctor_id in enumerate(names)}
    rows.sort(key=lambda row: (place[row.doctor_id], row.weekday, row.starts))
    page = render_template("appointments/hours.html", form=form, rows=rows, names=names, weekdays=dict(WEEKDAYS))
    return page, form.status


@pages.post("/appointments/hours/<int:hours_id>/end")
@requires(Permission.MANAGE_HOURS)
def end_hours(hours_id: int) -> ResponseReturnValue:
    """End clinic hours; appointments stay."""
    if run_or_flash(actions.end_hours, hours_id):
        flash(_("Clinic hours ended. Existing appointments stay."), "success")
    return redirect(url_for("appointments.hours"), 303)


@pages.route("/appointments/absences", methods=["GET", "POST"])
@requires(Permission.BLOCK_TIME)
def absences() -> ResponseReturnValue:
    """List and block times: one's own, or all doctors' for those who manage hours."""
    who, form = current_person(), BlockForm()
    is_own = not who.may(Permission.MANAGE_HOURS)
    doctors = [doctor for doctor in list_doctor_choices() if not is_own or doctor.value == who.id]
    form.doctor.choices = doctors if is_own else [NO_DOCTOR, *doctors]
    form.doctor.data = who.id if is_own else form.doctor.data or get_number_parameter("doctor")
    if form.save(lambda doctor_id, **times: actions.block_time(doctor_id, **times), by=who):
        flash(_("Time blocked."), "success")
        return redirect(url_for("appointments.absences"), 303)
    names, today = {doctor.value: doctor.label for doctor in doctors}, clock.today()
    rows = queries.list_absences(today, today + YEAR, names)
    return render_template("appointments/absences.html", form=form, rows=rows, names=names, is_own=is_own), form.status


@pages.post("/appointments/absences/<int:absence_id>/remove")
@requires(Permission.BLOCK_TIME)
def unblock(absence_id: int) -> ResponseReturnValue:
    """Remove a blocked time."""
    if run_or_flash(actions.unblock_time, absence_id):
        flash(_("Time unblocked."), "success")
    return redirect(url_for("appointments.absences"), 303)
