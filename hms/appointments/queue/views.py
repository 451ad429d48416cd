"""Pages of the queue: board, calling, waiting-room screen."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.enums import PRIORITY_LABELS
from hms.appointments.journeys import queries as journey_queries
from hms.appointments.lines import queries as line_queries
from hms.appointments.lines import tokens
from hms.appointments.view_helpers import (
    PRIORITY_TONES,
    get_number_parameter,
    list_doctor_choices,
    redirect_back,
    run_or_flash,
)
from hms.appointments.waits import queries as wait_queries
from hms.appointments.waits.rules import MIN_FIRST_CALLS, MIN_TURNS
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import person_name
from hms.escalations.read_entries import read_open
from hms.staff import directory as staff
from hms.staff.profile.actions import change_preferences

from . import actions, extensions, queries, transitions

DOCTOR_PREFERENCE = "queue_doctor"
"""The doctor whose patients this person chose to see in the queue; 0 or missing: all."""


def _read_group() -> str:
    show = request.args.get("show", "waiting")
    return show if show in queries.GROUPS else "waiting"


def _read_doctor() -> int | None:
    """Whose patients to show: a doctor's own (`?everybody`: all), for others the doctor in the query; None: all."""
    if current_person().may(Permission.WRITE_ENCOUNTER):
        return None if "everybody" in request.args else current_person().id
    return get_number_parameter("doctor")


def _chosen_doctor(doctors: list[SelectChoice]) -> int | None:
    """As `_read_doctor`; without a doctor in the query the one this person chose last, as long as they work here."""
    named, who = _read_doctor(), current_person()
    if who.may(Permission.WRITE_ENCOUNTER):
        return named
    chosen = named or who.preferences.get(DOCTOR_PREFERENCE)
    return chosen if chosen in {doctor.value for doctor in doctors} else None


def _load_rows(doctor_id: int | None) -> dict[str, Any]:
    show, is_own = _read_group(), current_person().may(Permission.WRITE_ENCOUNTER) and doctor_id is not None
    shows_all = "all" in request.args
    entries = queries.list_entries(
        show=show, doctor_id=doctor_id, limit=queries.ALL_ROWS if shows_all else queries.FIRST_ROWS
    )
    extras = extensions.collect_notes(entry.id for entry in entries)
    waits = wait_queries.expected_waits() if show == "waiting" else {}
    counts = queries.count_entries(doctor_id=doctor_id)
    shows_values = current_person().may(Permission.OPEN_CHART)
    patient_reads = [
        read_log.PatientRead(entry.patient_id, entry.id) for entry in entries if shows_values and entry.id in extras
    ]
    read_log.record_reads("appointments.read_board", patient_reads, entity="queue_entry")
    read_log.record_list_read(
        "appointments.read_list", len(entries) - len(patient_reads), entity="queue_entry", renews=True
    )
    return {
        "show": show,
        "entries": entries,
        "extras": extras,
        "waits": waits,
        "journeys": journey_queries.find_journeys(entry.patient_id for entry in entries),
        "points": line_queries.list_open_points(),
        "has_unknown_wait": any(
            entry.is_waiting and entry.held_at is None and entry.id not in waits for entry in entries
        ),
        "least_turns": MIN_TURNS,
        "least_days": MIN_FIRST_CALLS,
        "weeks_seen": wait_queries.WEEKS,
        "counts": counts,
        "is_own": is_own,
        "doctor": doctor_id,
        "kept": _get_filters(doctor_id, is_own=is_own),
        "all_rows": {"all": 1} if shows_all else {},
        "priorities": [
            (priority.value, PRIORITY_TONES[priority], str(label), _("Priority: %(word)s", word=label))
            for priority, label in PRIORITY_LABELS.items()
        ],
    }


def _get_filters(doctor_id: int | None, *, is_own: bool) -> dict[str, Any]:
    """The filters of the page for use in links."""
    if "everybody" in request.args:
        return {"everybody": 1}
    return {"doctor": doctor_id} if doctor_id is not None and not is_own else {}


@pages.get("/queue/")
@requires(Permission.READ_QUEUE)
def queue() -> str:
    """The queue of today; updates itself."""
    doctors = [] if current_person().may(Permission.WRITE_ENCOUNTER) else list_doctor_choices()
    critical = read_open() if current_person().may(Permission.READ_ESCALATIONS) else None
    rows = _load_rows(_chosen_doctor(doctors))
    return render_template("appointments/queue.html", doctors=doctors, critical=critical, **rows)


@pages.post("/queue/doctor")
@requires(Permission.READ_QUEUE)
def choose_doctor() -> ResponseReturnValue:
    """Show one doctor's patients in the queue, or all; kept for this person until they choose again."""
    doctor_id = parse_record_id(request.form.get("doctor", "")) or 0
    change_preferences(preferences={DOCTOR_PREFERENCE: doctor_id}, by=current_person())
    return redirect(url_for("appointments.queue", show=request.form.get("show", "waiting")[:20]), 303)


@pages.get("/queue/rows")
@requires(Permission.READ_QUEUE)
def queue_rows() -> str:
    """The rows of the queue, fetched again after each change."""
    return render_template("appointments/_queue.html", **_load_rows(_read_doctor()))


@pages.post("/queue/call-next")
@requires(Permission.CALL_PATIENT)
def call_next() -> ResponseReturnValue:
    """Call the next patient; for a doctor the encounter opens."""
    entry = run_or_flash(actions.call_next, doctor_id=parse_record_id(request.form.get("doctor", "")))
    if entry is not None:
        return _after_call(entry.id, redirect(url_for("appointments.queue"), 303))
    flash(_("Nobody is waiting. New check-ins appear here automatically."), "info")
    return redirect(url_for("appointments.queue"), 303)


def _after_call(entry_id: int, to_queue: Response) -> Response:
    """Open the encounter for a doctor, `to_queue` with the name and an undo button for others.

    307 lets the browser post the same form to the encounter's start, so that calling and opening are one press.
    """
    if current_person().may(Permission.WRITE_ENCOUNTER):
        return redirect(f"/queue/{entry_id}/start", 307)
    _flash_called(entry_id)
    return to_queue


def _flash_called(entry_id: int) -> None:
    entry = queries.get_entry(entry_id)
    message = _("Called: token %(token)s – %(name)s", token=entry.token, name=person_name(entry))
    flash_with_undo(message, url_for("appointments.undo_call", entry_id=entry_id))


@pages.post("/queue/<int:entry_id>/call")
@requires(Permission.CALL_PATIENT)
def call(entry_id: int) -> ResponseReturnValue:
    """Call one patient, or call again; for a doctor the encounter opens."""
    to_queue = redirect_back(url_for("appointments.queue"))
    return _after_call(entry_id, to_queue) if run_or_flash(actions.call_patient, entry_id) else to_queue


@pages.post("/queue/<int:entry_id>/undo-call")
@requires(Permission.CALL_PATIENT)
def undo_call(entry_id: int) -> ResponseReturnValue:
    """Put a called patient back to waiting."""
    if run_or_flash(actions.undo_call, entry_id):
        flash(_("Back in the queue."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/undo-check-in")
@requires(Permission.CHECK_IN)
def undo_check_in(entry_id: int) -> ResponseReturnValue:
    """Undo a check-in; the booking is open again."""
    if run_or_flash(transitions.undo_check_in, entry_id):
        flash(_("Check-in undone."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/leave")
@requires(Permission.CALL_PATIENT)
def leave(entry_id: int) -> ResponseReturnValue:
    """Mark the patient as left without being seen."""
    if run_or_flash(actions.mark_as_left, entry_id):
        undo = url_for("appointments.come_back", entry_id=entry_id)
        flash_with_undo(_("Marked as left without being seen."), undo)
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/come-back")
@requires(Permission.CALL_PATIENT)
def come_back(entry_id: int) -> ResponseReturnValue:
    """Put a patient who left back in the queue, with the same token."""
    if run_or_flash(actions.return_to_queue, entry_id):
        flash(_("Back in the queue."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/finish")
@requires(Permission.CALL_PATIENT)
def finish(entry_id: int) -> ResponseReturnValue:
    """Mark the patient as seen."""
    if run_or_flash(actions.finish_service, entry_id):
        flash(_("Marked as seen."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/priority")
@requires(Permission.CALL_PATIENT)
def set_priority(entry_id: int) -> ResponseReturnValue:
    """Set the priority of the pressed button."""
    run_or_flash(actions.set_priority, entry_id, request.form.get("priority", "")[:20])
    return redirect_back(url_for("appointments.queue"))


@pages.route("/queue/<int:entry_id>/send", methods=["GET", "POST"])
@requires(Permission.CALL_PATIENT)
def send_to(entry_id: int) -> ResponseReturnValue:
    """Send the patient to another doctor, or to a service point (`send_on`)."""
    entry = queries.get_entry(entry_id)
    if request.method == "POST":
        doctor_id = parse_record_id(request.form.get("doctor", ""))
        if run_or_flash(actions.send_to_doctor, entry_id, doctor_id):
            name = staff.display_names({doctor_id}).get(doctor_id) if doctor_id else None
            flash(
                _("Waiting for %(doctor)s now.", doctor=name) if name else _("Waiting for any doctor now."), "success"
            )
        return redirect(url_for("appointments.queue"), 303)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    return render_template(
        "appointments/send.html", entry=entry, doctors=list_doctor_choices(), points=line_queries.list_open_points()
    )


@pages.get("/queue/display")
@requires(Permission.READ_QUEUE)
def display() -> str:
    """The waiting-room screen: tokens and rooms, no names."""
    return render_template("appointments/display.html", **_load_screen())


def _load_screen() -> dict[str, Any]:
    return {
        "calls": tokens.list_last_calls(),
        "next_tokens": tokens.list_next_tokens(),
        "waits": tokens.load_waits(),
        "sentences": {},
    }


@pages.get("/queue/display/rows")
@requires(Permission.READ_QUEUE)
def display_rows() -> str:
    """The rows of the waiting-room screen, fetched again after each change."""
    return render_template("appointments/_calls.html", **_load_screen())
