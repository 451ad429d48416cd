"""Pages: the hospital's holidays, and the appointments that are booked on one."""

from __future__ import annotations

import datetime as dt

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.forms import HolidayForm
from hms.appointments.view_helpers import read_time_cursor, run_or_flash
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import day as shown_day

from . import actions, queries


@pages.route("/appointments/holidays", methods=["GET", "POST"])
@requires(Permission.MANAGE_HOLIDAYS)
def holidays() -> ResponseReturnValue:
    """Holidays from today on, or past ones (`?show=past`); add one."""
    form = HolidayForm()
    if form.save(actions.add_holiday, by=current_person()):
        flash(_("Holiday added: %(name)s, %(day)s.", name=form.result.name, day=shown_day(form.result.day)), "success")
        row = queries.get_holiday(form.result.id)
        target = url_for(".holiday", holiday_id=row.id) if row.booked else url_for(".holidays")
        return redirect(target, 303)
    is_past = request.args.get("show") == "past"
    page = queries.list_holidays(is_past=is_past, after=_read_day("after"), before=_read_day("before"))
    return render_template("appointments/holidays.html", form=form, page=page, is_past=is_past), form.status


def _read_day(name: str) -> dt.date | None:
    """The day in a query parameter such as 2026-12-25; None when it is missing or wrong."""
    try:
        return dt.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


@pages.get("/appointments/holidays/<int:holiday_id>")
@requires(Permission.MANAGE_HOLIDAYS)
def holiday(holiday_id: int) -> str:
    """One holiday, with the appointments that are still booked on it."""
    row = queries.get_holiday(holiday_id)
    page = booking_queries.list_day(
        row.day, is_expected=True, after=read_time_cursor("after"), before=read_time_cursor("before")
    )
    read_log.record_list_read("appointments.read_list", len(page.rows), entity="appointment")
    return render_template("appointments/holiday.html", row=row, page=page)


@pages.post("/appointments/holidays/<int:holiday_id>/remove")
@requires(Permission.MANAGE_HOLIDAYS)
def remove_holiday(holiday_id: int) -> ResponseReturnValue:
    """Remove a holiday."""
    removed = run_or_flash(actions.remove_holiday, holiday_id)
    if removed:
        flash(_("Holiday removed: %(name)s, %(day)s.", name=removed.name, day=shown_day(removed.day)), "success")
    return redirect(url_for(".holidays"), 303)
