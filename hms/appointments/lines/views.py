"""Pages: the lines of service points, and the steps that a doctor's line has in common with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict, MultiDict

from hms.appointments.blueprints import pages
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.enums import PRIORITY_LABELS
from hms.appointments.forms import HoldForm, PointQueueForm
from hms.appointments.journeys.queries import find_journeys
from hms.appointments.models import ServicePoint
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import queries as queue_queries
from hms.appointments.view_helpers import (
    PRIORITY_TONES,
    get_number_parameter,
    list_doctor_choices,
    look_up_patients,
    redirect_back,
    render_slip,
    run_or_flash,
)
from hms.appointments.waits import queries as wait_queries
from hms.appointments.waits.queries import Callers
from hms.appointments.waits.rules import Minutes
from hms.core.api import read_log
from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import flash_with_undo
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import person_name

from . import actions, queries


@pages.get("/queue/points/<int:point_id>")
@requires(Permission.READ_QUEUE)
def point_line(point_id: int) -> str:
    """The line of a service point; updates itself."""
    return render_template("appointments/point_line.html", **_load_line(point_id))


@pages.get("/queue/points/<int:point_id>/rows")
@requires(Permission.READ_QUEUE)
def point_line_rows(point_id: int) -> str:
    """The rows of the line of a service point, fetched again after each change."""
    return render_template("appointments/_point_line.html", **_load_line(point_id))


def _load_line(point_id: int) -> dict[str, Any]:
    point, show = get_or_not_found(ServicePoint, point_id), request.args.get("show", "waiting")
    show = show if show in queries.POINT_GROUPS else "waiting"
    limit = queries.ALL_ROWS if "all" in request.args else queue_queries.FIRST_ROWS
    places = queries.list_places(point_id, show=show, limit=limit)
    read_log.record_list_read("appointments.read_list", len(places), entity="point_entry", renews=True)
    return {
        "point": point,
        "points": queries.list_open_points(),
        "show": show,
        "places": places,
        "journeys": find_journeys(place.patient_id for place in places),
        "counts": queries.count_places(point_id),
        "waits": _waits() if show == "waiting" else {},
        "all_rows": {"all": 1} if "all" in request.args else {},
        "priorities": [(PRIORITY_TONES[priority], str(label)) for priority, label in PRIORITY_LABELS.items()],
    }


def _waits() -> dict[int, Minutes]:
    return wait_queries.expected_waits(Callers.POINTS)


@pages.post("/queue/points/<int:point_id>/call-next")
@requires(Permission.SERVE_POINT)
def call_next_to_point(point_id: int) -> ResponseReturnValue:
    """Call the next patient of a service point."""
    entry = run_or_flash(actions.call_next_to_point, point_id)
    if entry is None:
        flash(_("Nobody is waiting at this service point."), "info")
    else:
        _flash_called(entry.id)
    return redirect(url_for("appointments.point_line", point_id=point_id), 303)


def _flash_called(point_entry_id: int) -> None:
    place = queries.get_place(point_entry_id)
    message = _("Called: token %(token)s – %(name)s", token=place.token, name=person_name(place))
    undo = url_for("appointments.undo_step_at_point", point_entry_id=point_entry_id)
    flash_with_undo(message, undo)


def _back_to_line(point_entry_id: int) -> ResponseReturnValue:
    return redirect_back(url_for("appointments.point_line", point_id=queries.get_place(point_entry_id).point_id))


@pages.post("/queue/places/<int:point_entry_id>/call")
@requires(Permission.SERVE_POINT)
def call_to_point(point_entry_id: int) -> ResponseReturnValue:
    """Call one patient to the service point, or call again."""
    if run_or_flash(actions.call_to_point, point_entry_id):
        _flash_called(point_entry_id)
    return _back_to_line(point_entry_id)


def _press(action: Callable[..., Any], point_entry_id: int, message: str) -> ResponseReturnValue:
    """Perform a step; the message has a button that undoes it."""
    if run_or_flash(action, point_entry_id):
        undo = url_for("appointments.undo_step_at_point", point_entry_id=point_entry_id)
        flash_with_undo(message, undo)
    return _back_to_line(point_entry_id)


@pages.post("/queue/places/<int:point_entry_id>/start")
@requires(Permission.SERVE_POINT)
def start_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Mark the patient as with staff."""
    return _press(actions.start_at_point, point_entry_id, _("With staff now."))


@pages.post("/queue/places/<int:point_entry_id>/finish")
@requires(Permission.SERVE_POINT)
def finish_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Mark the patient as done at the service point."""
    return _press(actions.finish_at_point, point_entry_id, _("Marked as done."))


@pages.post("/queue/places/<int:point_entry_id>/leave")
@requires(Permission.SERVE_POINT)
def leave_point(point_entry_id: int) -> ResponseReturnValue:
    """Mark the patient as gone without being served."""
    return _press(actions.leave_point, point_entry_id, _("Marked as left."))


@pages.post("/queue/places/<int:point_entry_id>/absent")
@requires(Permission.SERVE_POINT)
def mark_as_absent(point_entry_id: int) -> ResponseReturnValue:
    """Mark a called patient as not there."""
    return _press(actions.mark_as_absent, point_entry_id, _("Marked as not there. The patient may come back."))


@pages.post("/queue/places/<int:point_entry_id>/come-back")
@requires(Permission.SERVE_POINT)
def return_to_point(point_entry_id: int) -> ResponseReturnValue:
    """Let a patient who was absent or had left wait again."""
    return _press(actions.return_to_point, point_entry_id, _("Back in the line, in the old place."))


@pages.post("/queue/places/<int:point_entry_id>/skip")
@requires(Permission.SERVE_POINT)
def skip_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Put a patient who is not there behind the next one."""
    return _press(actions.skip_at_point, point_entry_id, _("One place back."))


@pages.post("/queue/places/<int:point_entry_id>/release")
@requires(Permission.SERVE_POINT)
def release_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Let a patient on hold be called again."""
    return _press(actions.release_at_point, point_entry_id, _("Back in the line, in the old place."))


@pages.post("/queue/places/<int:point_entry_id>/undo")
@requires(Permission.SERVE_POINT)
def undo_step_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Undo the last step at a service point."""
    if run_or_flash(actions.undo_step_at_point, point_entry_id):
        flash(_("Last step undone."), "success")
    return _back_to_line(point_entry_id)


@pages.route("/queue/places/<int:point_entry_id>/hold", methods=["GET", "POST"])
@requires(Permission.SERVE_POINT)
def hold_at_point(point_entry_id: int) -> ResponseReturnValue:
    """Put a patient of a service point on hold, with the reason."""
    place, form = queries.get_place(point_entry_id), HoldForm()
    line = url_for("appointments.point_line", point_id=place.point_id)
    if form.save(actions.hold_at_point, point_entry_id=point_entry_id, by=current_person()):
        flash(_("On hold. The place in the line is kept."), "success")
        return redirect(line, 303)
    read_log.record_read("appointments.read", place.patient_id, entity="point_entry", entity_id=point_entry_id)
    return render_template("appointments/hold.html", form=form, entry=place, back=line), form.status


@pages.route("/queue/places/<int:point_entry_id>/send-on", methods=["GET", "POST"])
@requires(Permission.SERVE_POINT)
def send_on_from_point(point_entry_id: int) -> ResponseReturnValue:
    """Send a patient on from a service point to another one, or to a doctor."""
    place = queries.get_place(point_entry_id)
    if request.method == "POST":
        chosen = {f"{name}_id": parse_record_id(request.form.get(name, "")) for name in ("point", "doctor")}
        if run_or_flash(actions.send_on_from_point, point_entry_id, **chosen):
            flash(_("Sent on. This service point is done with the patient."), "success")
        return redirect(url_for("appointments.point_line", point_id=place.point_id), 303)
    read_log.record_read("appointments.read", place.patient_id, entity="point_entry", entity_id=point_entry_id)
    points = [point for point in queries.list_open_points() if point.id != place.point_id]
    return render_template("appointments/send_on.html", entry=place, points=points, doctors=list_doctor_choices())


@pages.get("/queue/places/<int:point_entry_id>/slip")
@requires(Permission.SERVE_POINT)
def point_slip(point_entry_id: int) -> ResponseReturnValue:
    """The slip with the token of a service point. `printer` is one of `Printer`; this computer remembers the last one."""
    place = queries.get_place(point_entry_id)
    read_log.record_read("appointments.read", place.patient_id, entity="point_entry", entity_id=point_entry_id)
    line, wait = url_for("appointments.point_line", point_id=place.point_id), _waits().get(place.id)
    return render_slip(place, where=place.point_name, ahead=queries.count_ahead(place), wait=wait, back=line)


@pages.route("/queue/points/<int:point_id>/add", methods=["GET", "POST"])
@requires(Permission.SERVE_POINT)
def add_to_point(point_id: int) -> ResponseReturnValue:
    """Put a patient in the line of a service point: somebody who comes without seeing a doctor."""
    point = get_or_not_found(ServicePoint, point_id)
    named = request.form.get("patient_id") or request.args.get("patient", "")
    sent = CombinedMultiDict([request.form, MultiDict({"priority": "3", "patient": named})])
    is_sent = request.method == "POST"
    form = PointQueueForm(sent) if is_sent else PointQueueForm(data={"patient": get_number_parameter("patient")})
    looked_up = look_up_patients(form) if "look_up" in request.form else None
    if looked_up is None and form.save(actions.add_to_point, point_id=point_id, by=current_person()):
        place = queries.get_place(form.result.id)
        message = _("Token %(token)s – %(name)s", token=place.token, name=person_name(place))
        undo = url_for("appointments.undo_step_at_point", point_entry_id=place.id)
        flash_with_undo(message, undo)
        return redirect(url_for("appointments.point_line", point_id=point_id), 303)
    has_patient = form.patient.data and not form.patient.errors
    patient = booking_queries.get_patient_identity(form.patient.data) if has_patient else None
    if patient:
        read_log.record_read("appointments.read", patient.id, entity="patient", entity_id=patient.id)
    page = render_template("appointments/point_add.html", form=form, point=point, patient=patient, looked_up=looked_up)
    return page, 200 if looked_up is not None else form.status


@pages.post("/queue/<int:entry_id>/send-on")
@requires(Permission.CALL_PATIENT)
def send_on(entry_id: int) -> ResponseReturnValue:
    """Send a patient of a doctor's line to a service point."""
    point_id = parse_record_id(request.form.get("point", ""))
    if point_id is None:
        flash(_("Choose where to send the patient."), "caution")
    elif entry := run_or_flash(actions.send_on, entry_id, point_id):
        place = queries.get_place(entry.id)
        flash(_("Sent to %(point)s with token %(token)s.", point=place.point_name, token=place.token), "success")
    return redirect(url_for("appointments.queue"), 303)


@pages.route("/queue/<int:entry_id>/hold", methods=["GET", "POST"])
@requires(Permission.CALL_PATIENT)
def hold(entry_id: int) -> ResponseReturnValue:
    """Put a patient of the queue on hold, with the reason."""
    entry, form, queue = queue_queries.get_entry(entry_id), HoldForm(), url_for("appointments.queue")
    if form.save(queue_actions.hold_patient, entry_id=entry_id, by=current_person()):
        flash(_("On hold. The place in the line is kept."), "success")
        return redirect(queue, 303)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    return render_template("appointments/hold.html", form=form, entry=entry, back=queue), form.status


@pages.post("/queue/<int:entry_id>/release")
@requires(Permission.CALL_PATIENT)
def release(entry_id: int) -> ResponseReturnValue:
    """Let a patient on hold be called again."""
    return _press_in_queue(queue_actions.release_patient, entry_id, _("Back in the line, in the old place."))


@pages.post("/queue/<int:entry_id>/skip")
@requires(Permission.CALL_PATIENT)
def skip(entry_id: int) -> ResponseReturnValue:
    """Put a patient who is not there behind the next one."""
    return _press_in_queue(queue_actions.skip_patient, entry_id, _("One place back."))


def _press_in_queue(action: Callable[..., Any], entry_id: int, message: str) -> ResponseReturnValue:
    if run_or_flash(action, entry_id):
        undo = url_for("appointments.undo_step", entry_id=entry_id)
        flash_with_undo(message, undo)
    return redirect_back(url_for("appointments.queue"))


@pages.post("/queue/<int:entry_id>/undo")
@requires(Permission.CALL_PATIENT)
def undo_step(entry_id: int) -> ResponseReturnValue:
    """Undo the last step in a doctor's line."""
    if run_or_flash(actions.undo_step, entry_id):
        flash(_("Last step undone."), "success")
    return redirect_back(url_for("appointments.queue"))
