"""JSON: check-ins and steps in the doctors' queue, and the lines of service points."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

from flask import Response, jsonify

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.journeys.queries import find_journeys
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import queries as queue_queries
from hms.appointments.queue import transitions
from hms.appointments.schemas import EntryOut, entry_json
from hms.appointments.waits import queries as wait_queries
from hms.appointments.waits.queries import Callers
from hms.core import clock
from hms.core.api import read_log
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Choice, DayOf, Id, Ordering, parameters

from . import actions, queries
from .schemas import (
    CallNextIn,
    JourneyOut,
    PlaceIn,
    PlaceOut,
    PointStepIn,
    QueueIn,
    QueueStepIn,
    place_json,
)

Step = Callable[..., Any]
QUEUE_STEPS: dict[str, Step] = {
    "call": queue_actions.call_patient,
    "hold": queue_actions.hold_patient,
    "release": queue_actions.release_patient,
    "skip": queue_actions.skip_patient,
    "set_priority": queue_actions.set_priority,
    "finish": queue_actions.finish_service,
    "leave": queue_actions.mark_as_left,
    "come_back": queue_actions.return_to_queue,
    "undo": actions.undo_step,
}
POINT_STEPS: dict[str, Step] = {
    "call": actions.call_to_point,
    "start": actions.start_at_point,
    "finish": actions.finish_at_point,
    "leave": actions.leave_point,
    "absent": actions.mark_as_absent,
    "come_back": actions.return_to_point,
    "hold": actions.hold_at_point,
    "release": actions.release_at_point,
    "skip": actions.skip_at_point,
    "undo": actions.undo_step_at_point,
}


def _entry_response(entry_id: int, status: int = 200) -> tuple[Response, int]:
    entry = queue_queries.get_entry(entry_id)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    return jsonify(entry_json(entry, wait_queries.expected_waits())), status


@api.post("/queue/")
@requires(Permission.CHECK_IN)
@api.arguments(QueueIn)
@api.response(201, EntryOut)
def check_in(payload: dict[str, Any]) -> tuple[Response, int]:
    """Check in a patient for a doctor, or for any; a matching booking of today is checked in. 409 `already_queued`."""
    values = {"doctor_id": payload.get("doctor"), "priority": payload.get("priority", 3)}
    return _entry_response(transitions.add_to_queue(payload["patient"], **values, by=current_person()).id, 201)


@api.post("/queue/call-next/")
@requires(Permission.CALL_PATIENT)
@api.arguments(CallNextIn)
@api.response(200, EntryOut)
def call_next(payload: dict[str, Any]) -> Any:
    """Call the next patient by priority and arrival; 204 when nobody waits. Simultaneous calls get different patients."""
    entry = queue_actions.call_next(doctor_id=payload.get("doctor"), by=current_person())
    return ("", 204) if entry is None else _entry_response(entry.id)


@api.post("/queue/<int:entry_id>/steps/")
@requires(Permission.CALL_PATIENT)
@api.arguments(QueueStepIn)
@api.response(200, EntryOut)
def queue_step(payload: dict[str, Any], entry_id: int) -> tuple[Response, int]:
    """A step in the queue: call (also again), hold, release, skip, set_priority, finish, leave, come_back, undo, or send_on
    to a service `point` or a `doctor`. 409 when the patient's state does not allow it."""
    name, who = payload.pop("step"), current_person()
    if name != "send_on":
        QUEUE_STEPS[name](entry_id, *payload.values(), by=who)
    elif "doctor" in payload:
        queue_actions.send_to_doctor(entry_id, payload["doctor"], by=who)
    else:
        actions.send_on(entry_id, payload["point"], by=who)
    return _entry_response(entry_id)


@api.get("/queue/<int:entry_id>/journey/")
@requires(Permission.READ_QUEUE)
@api.response(200, JourneyOut)
def journey(entry_id: int) -> Response:
    """The patient's way through the day of this entry, in the order of time: arrived, vitals, called by the doctor, service
    points. `until` is null while a stop lasts, or when its end is not known."""
    entry = queue_queries.get_entry(entry_id)
    read_log.record_read("appointments.read", entry.patient_id, entity="queue_entry", entity_id=entry_id)
    day = clock.local(entry.arrived_at).date()
    stops = find_journeys([entry.patient_id], day).get(entry.patient_id, [])
    return jsonify(patient=entry.patient_id, date=day.isoformat(), stops=[stop._asdict() for stop in stops])


PLACE_COLUMNS = ("id", "token", "priority", "arrived_at", "called_at", "started_at", "ended_at", "held_at")
PLACES = parameters(
    **PAGING,
    show=Choice(queries.POINT_GROUPS),
    date=DayOf(),
    point=Id(),
    patient=Id(),
    status=Choice(status for group in queries.POINT_GROUPS.values() for status in group),
    ordering=Ordering(PLACE_COLUMNS),
)


@api.get("/point-queue/")
@requires(Permission.READ_QUEUE)
@api.arguments(PLACES, location="query")
@api.response(200, PlaceOut(many=True))
def point_queue(arguments: dict[str, Any]) -> Response:
    """The lines of service points on a day (default today) in the order of calling: `?show=waiting` (and called),
    `with_staff`, `done`, or `absent` (called and did not come). Filters: point, patient, status, date."""
    status = arguments.get("status")
    with_status = next((name for name, statuses in queries.POINT_GROUPS.items() if status in statuses), "waiting")
    show = arguments.get("show", with_status)
    places = queries.list_places(arguments.get("point"), arguments.get("date"), show=show)
    places = filter_rows(places, arguments, patient=attrgetter("patient_id"), status=attrgetter("status"))
    readers = {name: attrgetter(name) for name in PLACE_COLUMNS} | {"token": attrgetter("prefix", "number")}
    places = order_rows(places, arguments, _latest_first if show in ("done", "absent") else _calling_order, **readers)
    waits = wait_queries.expected_waits(Callers.POINTS) if show == "waiting" else {}
    to_json = partial(place_json, waits=waits)
    return read_log.list_response(places, to_json, _read_of_place, entity="point_entry")


offer_export(api, point_queue, exports.POINT_QUEUE, at="/point-queue/export/")


def _calling_order(place: queries.PlaceAtPoint) -> tuple[Any, ...]:
    return place.held_at is not None, place.line_priority, place.line_at.timestamp(), place.number, place.id


def _latest_first(place: queries.PlaceAtPoint) -> tuple[Any, ...]:
    return place.ended_at is not None, -place.ended_at.timestamp() if place.ended_at else 0.0, -place.id


def _read_of_place(place: queries.PlaceAtPoint) -> tuple[str, read_log.PatientRead]:
    return "appointments.read_list", read_log.PatientRead(place.patient_id, place.id)


def _place_response(point_entry_id: int, status: int = 200) -> tuple[Response, int]:
    place = queries.get_place(point_entry_id)
    read_log.record_read("appointments.read", place.patient_id, entity="point_entry", entity_id=point_entry_id)
    return jsonify(place_json(place, wait_queries.expected_waits(Callers.POINTS))), status


@api.post("/point-queue/")
@requires(Permission.SERVE_POINT)
@api.arguments(PlaceIn)
@api.response(201, PlaceOut)
def add_to_point(payload: dict[str, Any]) -> tuple[Response, int]:
    """Put a patient in the line of a service point; 409 `already_queued` when the patient is in it."""
    values = {"priority": payload.get("priority", 3)}
    entry = actions.add_to_point(payload["patient"], payload["point"], **values, by=current_person())
    return _place_response(entry.id, 201)


@api.get("/point-queue/<int:point_entry_id>/")
@requires(Permission.READ_QUEUE)
@api.response(200, PlaceOut)
def place_at_point(point_entry_id: int) -> tuple[Response, int]:
    """One place in the line of a service point."""
    return _place_response(point_entry_id)


@api.post("/service-points/<int:point_id>/call-next/")
@requires(Permission.SERVE_POINT)
@api.response(200, PlaceOut)
def call_next_to_point(point_id: int) -> Any:
    """Call the next patient of a service point; 204 when nobody waits. Simultaneous calls get different patients."""
    entry = actions.call_next_to_point(point_id, by=current_person())
    return ("", 204) if entry is None else _place_response(entry.id)


@api.post("/point-queue/<int:point_entry_id>/steps/")
@requires(Permission.SERVE_POINT)
@api.arguments(PointStepIn)
@api.response(200, PlaceOut)
def point_step(payload: dict[str, Any], point_entry_id: int) -> tuple[Response, int]:
    """A step at a service point: call (also again), start, finish, leave, absent (called and not there), come_back, hold,
    release, skip, undo, or send_on to another `point` or to a `doctor`. 409 when the patient's state does not allow it."""
    name, who = payload.pop("step"), current_person()
    if name == "send_on":
        target = {f"{kind}_id": record_id for kind, record_id in payload.items()}
        actions.send_on_from_point(point_entry_id, **target, by=who)
    else:
        POINT_STEPS[name](point_entry_id, *payload.values(), by=who)
    return _place_response(point_entry_id)
