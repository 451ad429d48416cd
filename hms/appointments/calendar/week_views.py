"""Pages of the week: booked half-days of every doctor, or one doctor's slots by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from hms.appointments.blueprints import pages
from hms.appointments.view_helpers import get_board_filters, get_requested_day, list_doctor_choices
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.staff import directory as staff

from . import week_queries
from .day_views import get_cell_labels, record_names_read


@pages.app_template_filter("weekday")
def weekday(day: dt.date) -> str:
    """The short name of the day in the page's language."""
    return format_date(day, "EEE")


def _doctor() -> int | None:
    """The doctor of the query, else the kept one, else a doctor's own week. `doctor=0` means all doctors."""
    who = current_person()
    is_chosen = "doctor" in request.args or "board_doctor" in who.preferences
    if not is_chosen and who.may(Permission.WRITE_ENCOUNTER):
        return who.id
    return get_board_filters().doctor


def _week(day: dt.date) -> dict[str, Any]:
    doctor_id = _doctor()
    parts: dict[str, Any] = {
        "day": day,
        "days": week_queries.list_week_days(day),
        "doctor": doctor_id,
        "department": None,
    }
    if doctor_id:
        board = week_queries.build_week_board(doctor_id, day)
        record_names_read(board.columns)
        return parts | {"board": board, "cell_words": get_cell_labels()}
    department = get_board_filters().department
    return parts | {"lines": week_queries.count_week(day, department), "department": department}


@pages.get("/appointments/week")
@requires(Permission.READ_APPOINTMENTS)
def week() -> ResponseReturnValue:
    """The week: half-days of every doctor, or the slots of one (`?doctor=`)."""
    chosen_day, error = get_requested_day()
    parts = _week(chosen_day)
    values = {
        "step": lambda days: _address(parts, chosen_day + dt.timedelta(days=days)),
        "departments": staff.departments(),
        "doctors": list_doctor_choices(),
        "span": f"{format_date(parts['days'][0], 'd MMM')} – {format_date(parts['days'][-1], 'd MMM y')}",
        "wrong": error,
    }
    return render_template("appointments/week.html", **(parts | values)), 400 if error else 200


def _address(parts: dict[str, Any], day: dt.date) -> dict[str, Any]:
    return {"date": day.isoformat(), "doctor": parts["doctor"] or 0, "department": parts["department"] or 0}


@pages.get("/appointments/week/rows")
@requires(Permission.READ_APPOINTMENTS)
def week_rows() -> str:
    """The rows of the week, fetched again after each change."""
    parts = _week(get_requested_day()[0])
    return render_template("appointments/_week.html", **parts)
