"""Helpers that the pages of this desk share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.api import read_log
from hms.core.documents.barcodes import code128
from hms.core.documents.printers import Printer
from hms.core.errors import Conflict, RuleBroken
from hms.core.settings import store as settings
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import current_person, safe_next
from hms.core.web.localisation import translate_error
from hms.core.web.printer_choice import chosen_printer, printer_links, remember_printer
from hms.core.web.security_headers import url_parts
from hms.core.web.template_filters import person_name, spoken_name
from hms.patients.search import queries as patient_search
from hms.patients.search.number_words import describe_number_problem
from hms.staff import directory as staff

from .enums import Priority
from .forms import parse_appointment_day
from .queue import queries, slip_layout
from .visit_types.queries import list_visit_types

PRIORITY_TONES = {
    Priority.EMERGENCY: "stop",
    Priority.URGENT: "caution",
    Priority.STANDARD: "neutral",
    Priority.LOW: "neutral",
}
NO_DOCTOR = SelectChoice("", _l("Choose a doctor"))
"""The first choice of a select field where the doctor must be chosen."""
NO_RETURN_PATHS = ("/queue/add", "/queue/call-next", "/find", "/patients/new", "/patients/unknown")


def get_requested_day() -> tuple[dt.date, str | None]:
    """The day of the query parameter `date` (default: today, which also replaces a wrong one), and the error or None."""
    typed = request.args.get("date", "").strip()
    if not typed:
        return clock.today(), None
    try:
        day = parse_appointment_day(typed)
    except RuleBroken as refusal:
        return clock.today(), translate_error(refusal)
    is_near = abs((day - clock.today()).days) < 36_500
    return (day, None) if is_near else (clock.today(), _("Check the year."))


class BoardFilters(NamedTuple):
    """The doctor and the department that the calendar shows; None for all."""

    doctor: int | None
    department: int | None


def get_board_filters() -> BoardFilters:
    """The filters of the address, else those that are kept for the person; without those that are no longer offered."""
    doctor, department = _get_filter("doctor"), _get_filter("department")
    if department is not None and all(row.id != department for row in staff.departments()):
        department = None
    if doctor is not None and doctor not in staff.doctor_names():
        doctor = None
    return BoardFilters(doctor, department)


def _get_filter(name: str) -> int | None:
    if name in request.args:
        return get_number_parameter(name) or None
    kept = current_person().preferences.get(f"board_{name}")
    return kept if type(kept) is int and kept > 0 else None


def read_time_cursor(name: str) -> tuple[dt.time, int] | None:
    """The cursor (time, id) in a query parameter such as 09:15:00-123; None when missing or wrong."""
    time, _dash, number = request.args.get(name, "").partition("-")
    try:
        return dt.time.fromisoformat(time), int(number[:18])
    except ValueError:
        return None


def get_number_parameter(name: str) -> int | None:
    """The whole number in the query parameter `name`; None when it is missing or something else."""
    return parse_record_id(request.args.get(name, ""))


def redirect_back(fallback: str) -> Response:
    """Redirect to the page the person came from, or to `fallback` when it is not ours or cannot be shown again."""
    came_from = url_parts(request.referrer or "")
    path = safe_next(request.form.get("next"))
    if path is None and came_from.netloc == request.host and not came_from.path.startswith(NO_RETURN_PATHS):
        path = safe_next(came_from.path + (f"?{came_from.query}" if came_from.query else ""))
    return redirect(path or fallback, 303)


def run_or_flash(action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run an action; when it is refused, flash the message and return None."""
    try:
        return action(*args, **kwargs, by=current_person())
    except (RuleBroken, Conflict) as refusal:
        flash(translate_error(refusal), "caution")
        return None


def flash_token(entry_id: int) -> None:
    """Flash the token after a check-in, with a button that undoes it."""
    entry = queries.get_entry(entry_id)
    message = _("Token %(token)s – %(name)s", token=entry.token, name=person_name(entry))
    flash_with_undo(message, url_for("appointments.undo_check_in", entry_id=entry_id))


def list_visit_type_choices(blank: str) -> list[SelectChoice]:
    """The visit types that can be chosen, with their lengths, as choices of a select field; the first is none, called `blank`."""
    named = [
        SelectChoice(one.id, _("%(name)s, %(minutes)s min", name=one.name, minutes=one.minutes))
        for one in list_visit_types(is_open=True)
    ]
    return [SelectChoice("", blank), *named]


def list_doctor_choices() -> list[SelectChoice]:
    """The active doctors as choices of a select field."""
    return [SelectChoice(doctor_id, name) for doctor_id, name in staff.doctor_names().items()]


def search_patients(text: str) -> list[Any]:
    """At most ten patients that match `text`, for patient fields; records the search in the audit trail."""
    hits = patient_search.search_patients(text, limit=10, who=current_person())
    read_log.record_list_read("patients.read_list", len(hits), entity="patient", is_search=True)
    return hits


def look_up_patients(form: Any) -> list[tuple[int, str]]:
    """The patients that the typed text may name, for browsers without JavaScript; a mistyped number is an error there."""
    typed = form.patient_text.data or ""
    if problem := describe_number_problem(typed):
        form.patient_text.errors = [*form.patient_text.errors, problem]
    return [(hit.id, person_name(hit)) for hit in search_patients(typed)]


SLIP_PRINTER_COOKIE = "hms_slip_printer"


def render_slip(entry: Any, *, where: str, ahead: int, wait: Any, back: str) -> Response:
    """The slip of a place in a line, for the printer of the address or of this computer; `where` names the doctor or the
    service point."""
    printer = chosen_printer(SLIP_PRINTER_COOKIE, Printer.RECEIPT)
    hospital = [settings.value(f"hospital.{name}") for name in ("name", "address", "phone")]
    size = slip_layout.page_size(
        printer,
        names=(hospital[0], spoken_name(entry)),
        texts=(entry.hospital_number, where, " · ".join(hospital[1:])),
    )
    page = render_template(
        "appointments/slip.html",
        entry=entry,
        where=where,
        ahead=ahead,
        wait=wait,
        back=back,
        code=code128(entry.hospital_number),
        printer=printer,
        size=size,
        printer_links=printer_links(printer, lambda one: f"{request.path}?printer={one}"),
    )
    return remember_printer(make_response(page), SLIP_PRINTER_COOKIE)
