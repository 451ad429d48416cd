"""Pages of the week: how full it is, and one doctor's slots day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from hms.appointments.blueprints import pages
from hms.appointments.view_helpers import list_doctor_choices, get_number_parameter, get_requested_day
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.staff import directory as staff

from . import week_queries
from .day_views import get_cell_labels, note_names_read


@pages.app_template_filter("weekday")
def weekday(day: dt.date) -> str:
    """The short name of the day in the page's language."""
    return format_date(day, "EEE")


def _doctor() -> int | None:
    """The doctor of the address; a doctor sees their own week first, and everybody's with doctor=0."""
    asked = get_number_parameter("doctor")
    if asked is None and current_person().may(Permission.WRITE_ENCOUNTER):
        return current_person().id
    return asked or None


def _week(day: dt.date) -> dict[str, Any]:
    doctor_id = _doctor()
    parts: dict[str, Any] = {"day": day, "days": week_queries.list_week_days(day), "doctor": doctor_id, "department": None}
    if doctor_id:
        board = week_queries.build_week_board(doctor_id, day)
        note_names_read(board.columns)
        return parts | {"board": board, "cell_words": get_cell_labels()}
    department = get_number_parameter("department")
    return parts | {"lines": week_queries.count_week(day, department), "department": department}


@pages.get("/appointments/week")
@requires(Permission.READ_APPOINTMENTS)
def week() -> ResponseReturnValue:
    """The week: half-days of every doctor, or the slots of one (?doctor=)."""
    shown, wrong = get_requested_day()
    parts = _week(shown)
    found = {
        "step": lambda days: _address(parts, shown + dt.timedelta(days=days)),
        "departments": staff.departments(),
        "doctors": list_doctor_choices(),
        "span": f"{format_date(parts['days'][0], 'd MMM')} – {format_date(parts['days'][-1], 'd MMM y')}",
        "wrong": wrong,
    }
    return render_template("appointments/week.html", **(parts | found)), 400 if wrong else 200


def _address(parts: dict[str, Any], day: dt.date) -> dict[str, Any]:
    return {"date": day.isoformat(), "doctor": parts["doctor"] or 0, "department": parts["department"]}


@pages.get("/appointments/week/rows")
@requires(Permission.READ_APPOINTMENTS)
def week_rows() -> str:
    """The part of the week page that renews itself."""
    parts = _week(get_requested_day()[0])
    return render_template("appointments/_week.html", **parts)
