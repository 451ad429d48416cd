"""Pages of the day: the board, the list, and one booking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from hms.appointments.availability import queries as availability_queries
from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.enums import STATUS_WORDS, TAKES_TIME, Status
from hms.appointments.forms import CANCEL_REASONS
from hms.appointments.queue import transitions
from hms.appointments.view_helpers import back, number_in_address, requested_day, run_or_flash, say_token
from hms.core import clock
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import day as shown_day
from hms.staff import directory as staff

from . import day_queries
from .day_queries import Column

LOOKS = {
    Status.SCHEDULED: "neutral",
    Status.CHECKED_IN: "waiting",
    Status.IN_SERVICE: "accent",
    Status.COMPLETED: "done",
    Status.CANCELLED: "stop",
    Status.NO_SHOW: "caution",
    Status.RESCHEDULED: "neutral",
}
CELL_WORDS = {
    "booked": STATUS_WORDS[Status.SCHEDULED],
    "arrived": STATUS_WORDS[Status.CHECKED_IN],
    "serving": STATUS_WORDS[Status.IN_SERVICE],
    "seen": STATUS_WORDS[Status.COMPLETED],
    "missed": STATUS_WORDS[Status.NO_SHOW],
}


def _place(name: str) -> tuple[dt.time, int] | None:
    """A place in the day's list, written as 09:15:00-123."""
    time, _dash, number = request.args.get(name, "").partition("-")
    try:
        return dt.time.fromisoformat(time), int(number[:18])
    except ValueError:
        return None


def _board(day: dt.date) -> dict[str, Any]:
    own = current_person().id if current_person().may(Permission.WRITE_ENCOUNTER) else None
    first = min(number_in_address("first") or 0, 10_000)
    board = day_queries.day_board(day, department_id=number_in_address("department"), own_id=own, first=first)
    note_columns(board.columns)
    return {"board": board, "cell_words": cell_words(), "per_page": day_queries.COLUMNS_SHOWN, "kept": kept()}


def cell_words() -> dict[str, str]:
    """What the boards say of a booking, in the reader's language: once for hundreds of cells."""
    return {kind: str(words).lower() for kind, words in CELL_WORDS.items()}


def note_columns(columns: Iterable[Column]) -> None:
    """The trail has that the patients of these columns were named."""
    rows = sum(column.bookings for column in columns)
    read_log.record_list_read("appointments.read_list", rows, entity="appointment", renews=True)


def _list(day: dt.date) -> dict[str, Any]:
    page = booking_queries.day_list(
        day,
        department_id=number_in_address("department"),
        doctor_id=number_in_address("doctor"),
        after=_place("after"),
        before=_place("before"),
    )
    if current_person().may(Permission.READ_VISIT_REASON):
        seen = [read_log.PatientRead(row.patient_id, row.id) for row in page.rows]
        read_log.record_reads("appointments.read_board", seen, entity="appointment")
    else:
        read_log.record_list_read("appointments.read_list", len(page.rows), entity="appointment", renews=True)
    return {"page": page, "looks": LOOKS, "status_words": STATUS_WORDS, "kept": kept(), "day": day}


def kept(**changes: Any) -> dict[str, Any]:
    """The filters of the address, to carry into links; None leaves one out."""
    given = {name: request.args.get(name) for name in ("date", "view", "department", "first", "after", "before")}
    return {name: value for name, value in (given | changes).items() if value}


@pages.get("/appointments/")
@requires(Permission.READ_APPOINTMENTS)
def day() -> ResponseReturnValue:
    """The day of the hospital: a board by doctor, or a list (?view=list)."""
    shown, wrong = requested_day()
    is_list = request.args.get("view") == "list"
    parts = _list(shown) if is_list else _board(shown)
    if not is_list and not parts["board"].doctors:
        parts["next_day"] = availability_queries.next_clinic_day(shown)
    found = {
        "day": shown,
        "weekday": format_date(shown, "EEE"),
        "step": lambda days: kept(
            date=(shown + dt.timedelta(days=days)).isoformat(), first=None, after=None, before=None
        ),
        "departments": staff.departments(),
        "department": number_in_address("department"),
        "is_list": is_list,
        "wrong": wrong,
    }
    return render_template("appointments/day.html", **(parts | found)), 400 if wrong else 200


@pages.get("/appointments/rows")
@requires(Permission.READ_APPOINTMENTS)
def day_rows() -> str:
    """The part of the day page that renews itself."""
    shown = requested_day()[0]
    if request.args.get("view") == "list":
        return render_template("appointments/_list.html", **_list(shown))
    return render_template("appointments/_board.html", **_board(shown))


@pages.get("/appointments/<int:appointment_id>")
@requires(Permission.READ_APPOINTMENTS)
def appointment(appointment_id: int) -> str:
    """One booking, and what can be done with it."""
    row = booking_queries.appointment(appointment_id)
    who = current_person()
    is_theirs = who.may(Permission.EDIT_ANY_APPOINTMENT) or row.doctor_id == who.id
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=appointment_id)
    return render_template(
        "appointments/appointment.html",
        row=row,
        look=LOOKS[Status(row.status)],
        word=STATUS_WORDS[Status(row.status)],
        is_open=row.status in TAKES_TIME,
        is_today=row.date == clock.today(),
        can_edit=who.may(Permission.EDIT_APPOINTMENT) and is_theirs,
        can_move=who.may(Permission.MOVE_APPOINTMENT) and is_theirs,
        reasons=CANCEL_REASONS,
    )


@pages.post("/appointments/<int:appointment_id>/check-in")
@requires(Permission.CHECK_IN)
def check_in(appointment_id: int) -> ResponseReturnValue:
    """The patient has come; back to where the button was, with the token and an undo."""
    entry = run_or_flash(transitions.check_in, appointment_id)
    if entry is not None:
        say_token(entry.id)
    return back(url_for("appointments.appointment", appointment_id=appointment_id))


@pages.post("/appointments/<int:appointment_id>/cancel")
@requires(Permission.EDIT_APPOINTMENT)
def cancel(appointment_id: int) -> ResponseReturnValue:
    """Cancel with the reason that was pressed; undo brings the booking back."""
    reason = request.form.get("reason", "")
    known = reason if reason in dict(CANCEL_REASONS) else ""
    if run_or_flash(transitions.cancel, appointment_id, reason=known):
        _say(appointment_id, _("Cancelled"), url_for("appointments.restore", appointment_id=appointment_id))
    return redirect(url_for("appointments.appointment", appointment_id=appointment_id), 303)


@pages.post("/appointments/<int:appointment_id>/no-show")
@requires(Permission.EDIT_APPOINTMENT)
def no_show(appointment_id: int) -> ResponseReturnValue:
    """The patient did not come; undo opens the booking again."""
    if run_or_flash(transitions.set_status, appointment_id, Status.NO_SHOW.value):
        _say(appointment_id, _("Did not come"), url_for("appointments.restore", appointment_id=appointment_id))
    return back(url_for("appointments.appointment", appointment_id=appointment_id))


@pages.post("/appointments/<int:appointment_id>/restore")
@requires(Permission.EDIT_APPOINTMENT)
def restore(appointment_id: int) -> ResponseReturnValue:
    """The booking stands again, if its time is still free."""
    if run_or_flash(transitions.set_status, appointment_id, Status.SCHEDULED.value):
        flash(_("Appointment restored."), "success")
    return redirect(url_for("appointments.appointment", appointment_id=appointment_id), 303)


def _say(appointment_id: int, words: str, undo: str) -> None:
    row = booking_queries.appointment(appointment_id)
    text = f"{words}: {row.time:%H:%M} {shown_day(row.date)}, {row.doctor_name}"
    flash({"text": text, "undo": undo, "values": {}}, "undo")
