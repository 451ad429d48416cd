"""Pages of the queue: board, check-in, waiting-room screen, slip."""

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
    flash_token,
    get_number_parameter,
    list_doctor_choices,
    look_up_patients,
    redirect_back,
    run_or_flash,
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
    """The group to show, and the doctor's id for a doctor's own queue; None for all patients (`?everybody`)."""
    show = request.args.get("show", "waiting")
    is_own = current_person().may(Permission.WRITE_ENCOUNTER) and "everybody" not in request.args
    return show if show in queries.GROUPS else "waiting", current_person().id if is_own else None


def _load_rows() -> dict[str, Any]:
    show, doctor_id = _read_filters()
    shows_all = "all" in request.args
    entries = queries.list_entries(
        show=show, doctor_id=doctor_id, limit=queries.ALL_ROWS if shows_all else queries.FIRST_ROWS
    )
    extras = extensions.collect_notes(entry.id for entry in entries)
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
        "counts": queries.count_entries(doctor_id=doctor_id),
        "is_own": doctor_id is not None,
        "everybody": {"everybody": 1} if "everybody" in request.args else {},
        "all_rows": {"all": 1} if shows_all else {},
        "priorities": [
            (priority.value, PRIORITY_TONES[priority], str(label), _("Priority: %(word)s", word=label))
            for priority, label in PRIORITY_LABELS.items()
        ],
    }


@pages.get("/queue/")
@requires(Permission.READ_QUEUE)
def queue() -> str:
    """The queue of today; updates itself."""
    return render_template("appointments/queue.html", **_load_rows())


@pages.get("/queue/rows")
@requires(Permission.READ_QUEUE)
def queue_rows() -> str:
    """The rows of the queue, fetched again after each change."""
    return render_template("appointments/_queue.html", **_load_rows())


@pages.post("/queue/call-next")
@requires(Permission.CALL_PATIENT)
def call_next() -> ResponseReturnValue:
    """Call the next patient. A doctor is redirected to the patient's encounter."""
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
    message = _("Called: token %(token)s – %(name)s", token=entry.token, name=person_name(entry))
    flash({"text": message, "undo": url_for("appointments.undo_call", entry_id=entry_id), "values": {}}, "undo")


@pages.post("/queue/<int:entry_id>/call")
@requires(Permission.CALL_PATIENT)
def call(entry_id: int) -> ResponseReturnValue:
    """Call one patient, or call again."""
    if run_or_flash(actions.call_patient, entry_id):
        _flash_called(entry_id)
    return redirect_back(url_for("appointments.queue"))


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
        flash({"text": _("Marked as left without being seen."), "undo": undo, "values": {}}, "undo")
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
    """Send the patient to another doctor."""
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
    """Check in a patient: one press when the query or the form names the patient."""
    form = _queue_form()
    looked_up = None
    if "look_up" in request.form:
        looked_up = look_up_patients(form)
        form.is_submitted = lambda: False  # type: ignore[method-assign]
    if form.save(lambda patient_id, **values: transitions.add_to_queue(patient_id, **values), by=current_person()):
        flash_token(form.result.id)
        return redirect_back(url_for("appointments.queue"))
    has_patient = form.patient.data and not form.patient.errors
    patient = booking_queries.get_patient_identity(form.patient.data) if has_patient else None
    upcoming = booking_queries.list_patient_bookings(patient.id) if patient else []
    booked = [row for row in upcoming if row.date == clock.today()]
    if patient:
        read_log.record_read("appointments.read", patient.id, entity="patient", entity_id=patient.id)
    page = render_template(
        "appointments/queue_add.html", form=form, patient=patient, booked=booked, looked_up=looked_up
    )
    return page, 200 if looked_up is not None else form.status


def _queue_form() -> QueueForm:
    """The submitted form (the find box sends only `patient_id`), or a form filled from the query."""
    sent = CombinedMultiDict(
        [request.form, MultiDict({"priority": "3", "patient": request.form.get("patient_id", "")})]
    )
    form = QueueForm(sent) if request.method == "POST" else QueueForm(data={"patient": get_number_parameter("patient")})
    form.doctor.choices = [SelectChoice("", _("Any doctor")), *list_doctor_choices()]
    return form


@pages.get("/queue/<int:entry_id>/slip")
@requires(Permission.CHECK_IN)
def slip(entry_id: int) -> str:
    """The slip with the token, 80 mm wide."""
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
    """The rows of the waiting-room screen, fetched again after each change."""
    return render_template("appointments/_calls.html", calls=queries.list_last_calls())
