"""Pages of the queue: the staff board, adding to it, the waiting-room screen, the slip."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.enums import PRIORITY_LABELS, Priority
from hms.appointments.forms import QueueForm
from hms.appointments.view_helpers import (
    redirect_back,
    list_doctor_choices,
    search_patients,
    get_number_parameter,
    run_or_flash,
    flash_token,
)
from hms.core import clock
from hms.core.api import read_log
from hms.core.documents.barcodes import code128
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import person_name

from . import actions, extensions, queries, transitions

PRIORITY_TONES = {
    Priority.EMERGENCY: "stop",
    Priority.URGENT: "caution",
    Priority.STANDARD: "neutral",
    Priority.LOW: "neutral",
}


def _read_filters() -> tuple[str, int | None]:
    """Which part of the queue, and whose: a doctor's own (with the unassigned) unless everybody is asked for."""
    show = request.args.get("show", "waiting")
    is_own = current_person().may(Permission.WRITE_ENCOUNTER) and "everybody" not in request.args
    return show if show in queries.GROUPS else "waiting", current_person().id if is_own else None


def _rows() -> dict[str, Any]:
    show, doctor_id = _read_filters()
    shows_all = "all" in request.args
    entries = queries.list_entries(show=show, doctor_id=doctor_id, limit=queries.ALL_ROWS if shows_all else queries.FIRST_ROWS)
    extras = extensions.collect_notes(entry.id for entry in entries)
    shows_values = current_person().may(Permission.OPEN_CHART)
    seen = [
        read_log.PatientRead(entry.patient_id, entry.id) for entry in entries if shows_values and entry.id in extras
    ]
    read_log.record_reads("appointments.read_board", seen, entity="queue_entry")
    read_log.record_list_read("appointments.read_list", len(entries) - len(seen), entity="queue_entry", renews=True)
    return {
        "show": show,
        "entries": entries,
        "extras": extras,
        "counts": queries.count_entries(doctor_id=doctor_id),
        "is_own": doctor_id is not None,
        "everybody": {"everybody": 1} if "everybody" in request.args else {},
        "all_rows": {"all": 1} if shows_all else {},
        "priorities": [
            (one.value, PRIORITY_TONES[one], str(words), _("Priority: %(word)s", word=words))
            for one, words in PRIORITY_LABELS.items()
        ],
    }


@pages.get("/queue/")
@requires(Permission.READ_QUEUE)
def queue() -> str:
    """Who waits, with whom, how long; live."""
    return render_template("appointments/queue.html", **_rows())


@pages.get("/queue/rows")
@requires(Permission.READ_QUEUE)
def queue_rows() -> str:
    """The part of the board that renews itself."""
    return render_template("appointments/_queue.html", **_rows())


@pages.post("/queue/call-next")
@requires(Permission.CALL_PATIENT)
def call_next() -> ResponseReturnValue:
    """Call whose turn it is. A doctor goes straight to the patient's encounter."""
    entry = run_or_flash(actions.call_next)
    if entry is None:
        flash(_("Nobody is waiting. New check-ins appear here automatically."), "info")
    elif current_person().may(Permission.WRITE_ENCOUNTER):
        return redirect(f"/queue/{entry.id}/start", 303)
    else:
        _flash_called(entry.id)
    return redirect(url_for("appointments.queue"), 303)


def _flash_called(entry_id: int) -> None:
    entry = queries.get_entry(entry_id)
    words = _("Called: token %(token)s – %(name)s", token=entry.token, name=person_name(entry))
    flash({"text": words, "undo": url_for("appointments.undo_call", entry_id=entry_id), "values": {}}, "undo")


@pages.post("/queue/<int:entry_id>/call")
@requires(Permission.CALL_PATIENT)
def call(entry_id: int) -> ResponseReturnValue:
    """Call one patient, or again."""
    if run_or_flash(actions.call_patient, entry_id):
        _flash_called(entry_id)
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/undo-call")
@requires(Permission.CALL_PATIENT)
def undo_call(entry_id: int) -> ResponseReturnValue:
    """The patient waits again."""
    if run_or_flash(actions.undo_call, entry_id):
        flash(_("Back in the queue."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/undo-check-in")
@requires(Permission.CHECK_IN)
def undo_check_in(entry_id: int) -> ResponseReturnValue:
    """Out of the queue again; the booking is open."""
    if run_or_flash(transitions.undo_check_in, entry_id):
        flash(_("Check-in undone."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/leave")
@requires(Permission.CALL_PATIENT)
def leave(entry_id: int) -> ResponseReturnValue:
    """The patient did not answer or went away."""
    if run_or_flash(actions.mark_as_left, entry_id):
        undo = url_for("appointments.come_back", entry_id=entry_id)
        flash({"text": _("Marked as left without being seen."), "undo": undo, "values": {}}, "undo")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/come-back")
@requires(Permission.CALL_PATIENT)
def come_back(entry_id: int) -> ResponseReturnValue:
    """Waits again with the same token."""
    if run_or_flash(actions.return_to_queue, entry_id):
        flash(_("Back in the queue."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/finish")
@requires(Permission.CALL_PATIENT)
def finish(entry_id: int) -> ResponseReturnValue:
    """The patient has been seen."""
    if run_or_flash(actions.finish_service, entry_id):
        flash(_("Marked as seen."), "success")
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/priority")
@requires(Permission.CALL_PATIENT)
def set_priority(entry_id: int) -> ResponseReturnValue:
    """The number or word that was pressed."""
    run_or_flash(actions.set_priority, entry_id, request.form.get("priority", "")[:20])
    return redirect_back(url_for("appointments.queue"))


@pages.route("/queue/<int:entry_id>/send", methods=["GET", "POST"])
@requires(Permission.CALL_PATIENT)
def send_to(entry_id: int) -> ResponseReturnValue:
    """Send the patient to wait for another doctor."""
    entry = queries.get_entry(entry_id)
    if request.method == "POST":
        doctor_id = parse_record_id(request.form.get("doctor", ""))
        if run_or_flash(actions.send_to_doctor, entry_id, doctor_id):
            flash(_("Sent to the other doctor."), "success")
        return redirect(url_for("appointments.queue"), 303)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    return render_template("appointments/send.html", entry=entry, doctors=list_doctor_choices())


@pages.route("/queue/add", methods=["GET", "POST"])
@requires(Permission.CHECK_IN)
def add_to_queue_page() -> ResponseReturnValue:
    """Put a patient in the queue: one press when the address or the form names the patient."""
    form = _queue_form()
    looked_up = None
    if "look_up" in request.form:
        looked_up = [(hit.id, person_name(hit)) for hit in search_patients(form.patient_text.data or "")]
        form.is_submitted = lambda: False  # type: ignore[method-assign]
    if form.save(lambda patient_id, **more: transitions.add_to_queue(patient_id, **more), by=current_person()):
        flash_token(form.result.id)
        return redirect_back(url_for("appointments.queue"))
    whom = booking_queries.get_patient_identity(form.patient.data) if form.patient.data and not form.patient.errors else None
    booked = [row for row in booking_queries.list_patient_bookings(whom.id) if row.date == clock.today()] if whom else []
    if whom:
        read_log.record_read("appointments.read", whom.id, entity="patient", entity_id=whom.id)
    page = render_template("appointments/queue_add.html", form=form, whom=whom, booked=booked, looked_up=looked_up)
    return page, 200 if looked_up is not None else form.status


def _queue_form() -> QueueForm:
    """The form as sent (also by the find box, which sends `patient_id` alone), or as the address asks."""
    sent = CombinedMultiDict(
        [request.form, MultiDict({"priority": "3", "patient": request.form.get("patient_id", "")})]
    )
    form = QueueForm(sent) if request.method == "POST" else QueueForm(data={"patient": get_number_parameter("patient")})
    form.doctor.choices = [SelectChoice("", _("Any doctor")), *list_doctor_choices()]
    return form


@pages.get("/queue/<int:entry_id>/slip")
@requires(Permission.CHECK_IN)
def slip(entry_id: int) -> str:
    """The paper with the token, 80 mm wide."""
    entry = queries.get_entry(entry_id)
    code = code128(entry.hospital_number)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    return render_template("appointments/slip.html", entry=entry, ahead=queries.count_ahead(entry_id), code=code)


@pages.get("/queue/display")
@requires(Permission.READ_QUEUE)
def display() -> str:
    """The waiting-room screen: tokens and rooms, no names."""
    return render_template("appointments/display.html", calls=queries.list_last_calls())


@pages.get("/queue/display/rows")
@requires(Permission.READ_QUEUE)
def display_rows() -> str:
    """The part of the waiting-room screen that renews itself."""
    return render_template("appointments/_calls.html", calls=queries.list_last_calls())
