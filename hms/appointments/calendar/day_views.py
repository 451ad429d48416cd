"""Pages of the day: board, list, one appointment."""

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
from hms.appointments.bookings.rules import late_starts
from hms.appointments.enums import OCCUPYING_STATUSES, STATUS_LABELS, Status
from hms.appointments.forms import CANCEL_REASONS
from hms.appointments.queue import transitions
from hms.appointments.series.queries import REPEATABLE
from hms.appointments.view_helpers import (
    flash_token,
    get_board_filters,
    get_number_parameter,
    get_requested_day,
    list_doctor_choices,
    read_time_cursor,
    redirect_back,
    run_or_flash,
)
from hms.billing.follow_ups import queries as follow_ups
from hms.core import clock
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import day as shown_day
from hms.messages.labels import message_words
from hms.messages.outgoing import queries as outgoing
from hms.staff import directory as staff

from . import day_queries
from .day_queries import Column

STATUS_TONES = {
    Status.SCHEDULED: "neutral",
    Status.CHECKED_IN: "waiting",
    Status.IN_SERVICE: "accent",
    Status.COMPLETED: "done",
    Status.CANCELLED: "stop",
    Status.NO_SHOW: "caution",
    Status.RESCHEDULED: "neutral",
}
CELL_LABELS = {
    "booked": STATUS_LABELS[Status.SCHEDULED],
    "arrived": STATUS_LABELS[Status.CHECKED_IN],
    "serving": STATUS_LABELS[Status.IN_SERVICE],
    "seen": STATUS_LABELS[Status.COMPLETED],
    "missed": STATUS_LABELS[Status.NO_SHOW],
}


def _board(day: dt.date) -> dict[str, Any]:
    own = current_person().id if current_person().may(Permission.WRITE_ENCOUNTER) else None
    first = min(get_number_parameter("first") or 0, 10_000)
    chosen = get_board_filters()
    board = day_queries.build_day_board(
        day, department_id=chosen.department, doctor_id=chosen.doctor, own_id=own, first=first
    )
    record_names_read(board.columns)
    return {
        "board": board,
        "cell_words": get_cell_labels(),
        "per_page": day_queries.COLUMNS_PER_PAGE,
        "kept": get_filters(doctor=chosen.doctor, department=chosen.department),
        "chosen": chosen,
    }


def get_cell_labels() -> dict[str, str]:
    """Labels of cell kinds in the reader's language, translated once for all cells."""
    return {kind: str(words).lower() for kind, words in CELL_LABELS.items()}


def record_names_read(columns: Iterable[Column]) -> None:
    """Record in the audit trail that the patients of these columns were named."""
    rows = sum(column.bookings for column in columns)
    read_log.record_list_read("appointments.read_list", rows, entity="appointment", renews=True)


def _list(day: dt.date) -> dict[str, Any]:
    chosen = get_board_filters()
    page = booking_queries.list_day(
        day,
        department_id=chosen.department,
        doctor_id=chosen.doctor,
        is_expected=request.args.get("show") == "expected",
        after=read_time_cursor("after"),
        before=read_time_cursor("before"),
    )
    if current_person().may(Permission.READ_VISIT_REASON):
        patient_reads = [read_log.PatientRead(row.patient_id, row.id) for row in page.rows]
        read_log.record_reads("appointments.read_board", patient_reads, entity="appointment")
    else:
        read_log.record_list_read("appointments.read_list", len(page.rows), entity="appointment", renews=True)
    return {
        "page": page,
        "looks": STATUS_TONES,
        "status_words": STATUS_LABELS,
        "kept": get_filters(doctor=chosen.doctor, department=chosen.department),
        "chosen": chosen,
        "day": day,
        "late": late_starts(page.rows, clock.now()),
        "is_expected": request.args.get("show") == "expected",
    }


def get_filters(**changes: Any) -> dict[str, Any]:
    """The filters of the query for use in links, with `changes`; None removes a filter."""
    names = ("date", "view", "show", "department", "doctor", "first", "after", "before")
    filters = {name: request.args.get(name) for name in names}
    return {name: value for name, value in (filters | changes).items() if value}


@pages.get("/appointments/")
@requires(Permission.READ_APPOINTMENTS)
def day() -> ResponseReturnValue:
    """The day as a board by doctor, or as a list (`?view=list`)."""
    chosen_day, error = get_requested_day()
    is_list = request.args.get("view") == "list"
    parts = _list(chosen_day) if is_list else _board(chosen_day)
    if not is_list and not parts["board"].doctors:
        parts["next_day"] = availability_queries.find_next_clinic_day(chosen_day)
    values = {
        "day": chosen_day,
        "weekday": format_date(chosen_day, "EEE"),
        "step": lambda days: get_filters(
            date=(chosen_day + dt.timedelta(days=days)).isoformat(), first=None, after=None, before=None
        ),
        "departments": staff.departments(),
        "doctors": list_doctor_choices(),
        "is_list": is_list,
        "wrong": error,
    }
    return render_template("appointments/day.html", **(parts | values)), 400 if error else 200


@pages.get("/appointments/rows")
@requires(Permission.READ_APPOINTMENTS)
def day_rows() -> str:
    """The rows of the day, fetched again after each change."""
    chosen_day = get_requested_day()[0]
    if request.args.get("view") == "list":
        return render_template("appointments/_list.html", **_list(chosen_day))
    return render_template("appointments/_board.html", **_board(chosen_day))


@pages.get("/appointments/sheet")
@requires(Permission.READ_APPOINTMENTS)
def day_sheet() -> ResponseReturnValue:
    """The day of every doctor to print, one list below the other."""
    chosen_day, error = get_requested_day()
    of = {f"{name}_id": get_number_parameter(name) for name in ("department", "doctor")}
    board = day_queries.build_day_board(chosen_day, **of, limit=None)
    record_names_read(board.columns)
    values = {"day": chosen_day, "weekday": format_date(chosen_day, "EEE"), "cell_words": get_cell_labels()}
    html = render_template("appointments/sheet.html", board=board, kept=get_filters(), wrong=error, **values)
    return html, 400 if error else 200


@pages.get("/appointments/<int:appointment_id>")
@requires(Permission.READ_APPOINTMENTS)
def appointment(appointment_id: int) -> str:
    """One appointment, and what can be done with it."""
    row = booking_queries.get_appointment(appointment_id)
    who = current_person()
    is_theirs = who.may(Permission.EDIT_ANY_APPOINTMENT) or row.doctor_id == who.id
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=appointment_id)
    return render_template(
        "appointments/appointment.html",
        row=row,
        look=STATUS_TONES[Status(row.status)],
        word=STATUS_LABELS[Status(row.status)],
        is_open=row.status in OCCUPYING_STATUSES,
        is_today=row.date == clock.today(),
        late=late_starts([row], clock.now()).get(row.id),
        can_edit=who.may(Permission.EDIT_APPOINTMENT) and is_theirs,
        can_move=who.may(Permission.MOVE_APPOINTMENT) and is_theirs,
        can_repeat=who.may(Permission.BOOK) and is_theirs and row.status in REPEATABLE,
        reasons=CANCEL_REASONS,
        **_messages(appointment_id),
        **_free_window(row),
    )


def _messages(appointment_id: int) -> dict[str, Any]:
    """Template values for the messages about the appointment, for those who may see them."""
    if not current_person().may(Permission.READ_MESSAGES):
        return {"sent_messages": []}
    return {"sent_messages": outgoing.messages_of_appointment(appointment_id), **message_words()}


def _free_window(row: Any) -> dict[str, Any]:
    """Template values for a follow-up to come: the paid consultation that makes it free, for those who see payments."""
    is_shown = (
        row.is_follow_up and row.status in OCCUPYING_STATUSES and current_person().may(Permission.READ_BILL_STATUS)
    )
    return {"free_window": follow_ups.find_free_window(row.patient_id) if is_shown else None, "shows_window": is_shown}


@pages.post("/appointments/<int:appointment_id>/check-in")
@requires(Permission.CHECK_IN)
def check_in(appointment_id: int) -> ResponseReturnValue:
    """Check in the patient; redirect back with the token and an undo button."""
    entry = run_or_flash(transitions.check_in, appointment_id)
    if entry is not None:
        flash_token(entry.id)
    return redirect_back(url_for("appointments.appointment", appointment_id=appointment_id))


@pages.post("/appointments/<int:appointment_id>/cancel")
@requires(Permission.EDIT_APPOINTMENT)
def cancel(appointment_id: int) -> ResponseReturnValue:
    """Cancel with the reason of the pressed button; undo restores the appointment."""
    reason = request.form.get("reason", "")
    known_reason = reason if reason in dict(CANCEL_REASONS) else ""
    if run_or_flash(transitions.cancel_appointment, appointment_id, reason=known_reason):
        _flash_undo(appointment_id, _("Cancelled"), url_for("appointments.restore", appointment_id=appointment_id))
    return redirect(url_for("appointments.appointment", appointment_id=appointment_id), 303)


@pages.post("/appointments/<int:appointment_id>/no-show")
@requires(Permission.EDIT_APPOINTMENT)
def no_show(appointment_id: int) -> ResponseReturnValue:
    """Mark that the patient did not come; undo restores the appointment."""
    if run_or_flash(transitions.change_appointment_status, appointment_id, Status.NO_SHOW.value):
        _flash_undo(appointment_id, _("Did not come"), url_for("appointments.restore", appointment_id=appointment_id))
    return redirect_back(url_for("appointments.appointment", appointment_id=appointment_id))


@pages.post("/appointments/<int:appointment_id>/restore")
@requires(Permission.EDIT_APPOINTMENT)
def restore(appointment_id: int) -> ResponseReturnValue:
    """Restore the appointment if its time is still free."""
    if run_or_flash(transitions.change_appointment_status, appointment_id, Status.SCHEDULED.value):
        flash(_("Appointment restored."), "success")
    return redirect(url_for("appointments.appointment", appointment_id=appointment_id), 303)


def _flash_undo(appointment_id: int, message: str, undo: str) -> None:
    row = booking_queries.get_appointment(appointment_id)
    text = f"{message}: {row.time:%H:%M} {shown_day(row.date)}, {row.doctor_name}"
    flash_with_undo(text, undo)
