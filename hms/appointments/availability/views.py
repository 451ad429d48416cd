"""Pages: clinic hours."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.forms import WEEKDAYS, HoursForm
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
    rows = _list_hours(names)
    page = render_template("appointments/hours.html", form=form, rows=rows, names=names, weekdays=dict(WEEKDAYS))
    return page, form.status


def _list_hours(names: dict[int, str]) -> list[Any]:
    """The clinic hours of these doctors from today on: by the doctors' order, weekday and time."""
    today = clock.today()
    rows = queries.get_hours_and_absences(today, today + YEAR, names).hours
    place = {doctor_id: number for number, doctor_id in enumerate(names)}
    return sorted(rows, key=lambda row: (place[row.doctor_id], row.weekday, row.starts))


@pages.post("/appointments/hours/<int:hours_id>/end")
@requires(Permission.MANAGE_HOURS)
def end_hours(hours_id: int) -> ResponseReturnValue:
    """End clinic hours; appointments stay."""
    if run_or_flash(actions.end_hours, hours_id):
        flash(_("Clinic hours ended. Existing appointments stay."), "success")
    return redirect(url_for("appointments.hours"), 303)
