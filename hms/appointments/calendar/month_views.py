"""Pages: the month, and the filters of the calendar that are kept for the person."""

from __future__ import annotations

import datetime as dt

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from hms.appointments.blueprints import pages
from hms.appointments.view_helpers import get_board_filters, get_requested_day, list_doctor_choices
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.staff import directory as staff
from hms.staff.profile.actions import change_preferences

from . import month_queries

PAGES = {
    "day": ("appointments.day", {}),
    "list": ("appointments.day", {"view": "list"}),
    "week": ("appointments.week", {}),
    "month": ("appointments.month", {}),
}


@pages.get("/appointments/month")
@requires(Permission.READ_APPOINTMENTS)
def month() -> ResponseReturnValue:
    """The month: free and booked places of each day, holidays, and who is away."""
    chosen_day, error = get_requested_day()
    departments, kept = staff.departments(), get_board_filters()
    days = month_queries.list_month_days(chosen_day)
    counted = month_queries.count_days(days[0], days[-1], department_id=kept.department, doctor_id=kept.doctor)
    first = chosen_day.replace(day=1)
    values = {
        "day": chosen_day,
        "weeks": [counted[number : number + 7] for number in range(0, len(counted), 7)],
        "before": first - dt.timedelta(days=1),
        "after": (first + dt.timedelta(days=31)).replace(day=1),
        "span": format_date(chosen_day, "MMMM y"),
        "departments": departments,
        "doctors": list_doctor_choices(),
        "chosen": kept,
        "wrong": error,
    }
    return render_template("appointments/month.html", **values), 400 if error else 200


@pages.post("/appointments/filters")
@requires(Permission.READ_APPOINTMENTS)
def keep_filters() -> ResponseReturnValue:
    """Keep doctor and department for the person, and show the day that was asked for."""
    chosen = {f"board_{name}": parse_record_id(request.form.get(name, "")) or 0 for name in ("doctor", "department")}
    who = current_person()
    if any(who.preferences.get(name) != value for name, value in chosen.items()):
        change_preferences(preferences=chosen, by=who)
    endpoint, values = PAGES.get(request.form.get("page", ""), PAGES["day"])
    typed = request.form.get("date", "").strip()[:40] or None
    show = "expected" if request.form.get("show") == "expected" else None
    return redirect(url_for(endpoint, date=typed, show=show, **values), 303)
