"""JSON: the waiting list, and the free places for it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response
from sqlalchemy import Row, not_

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.bookings import api_queries
from hms.appointments.bookings.api import sees_full_booking
from hms.appointments.models import WaitingListEntry
from hms.appointments.schemas import AppointmentOut, appointment_json, full_name
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.api.preconditions import resource_response
from hms.core.api.small_lists import order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Flag, Id, Ordering, filter_by_columns, ordered, parameters

from . import actions, queries
from .queries import FreedPlace
from .schemas import FreedPlaceIn, FreedPlaceOut, WaitingIn, WaitingOut, WithdrawEntryIn

COLUMNS = {
    "priority": WaitingListEntry.priority,
    "first_day": WaitingListEntry.first_day,
    "last_day": WaitingListEntry.last_day,
    "created_at": WaitingListEntry.created_at,
    "updated_at": WaitingListEntry.updated_at,
}
STATUSES = ("waiting", "booked", "withdrawn")
ENTRIES = parameters(
    **PAGING,
    **DAYS,
    **{name: Id() for name in ("patient", "doctor", "department", "appointment")},
    is_waiting=Flag(),
    status=Choice(STATUSES),
    ordering=Ordering(("id", *COLUMNS)),
)
COLUMN_OF = {name: f"{name}_id" for name in ("patient", "doctor", "department", "visit_type")}
FREED_COLUMNS = ("date", "doctor")
FREED = parameters(**PAGING, doctor=Id(), ordering=Ordering(FREED_COLUMNS))


def _entry_json(row: Row) -> dict[str, Any]:
    status = "booked" if row.appointment_id else "withdrawn" if row.withdrawn_at else "waiting"
    return {
        "id": row.id,
        "patient": row.patient_id,
        "patient_name": full_name(row),
        "doctor": row.doctor_id,
        "department": row.department_id,
        "visit_type": row.visit_type_id,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "priority": row.priority,
        "notes": row.notes,
        "status": status,
        "appointment": row.appointment_id,
        "booked_on": row.booked_on and row.booked_on.isoformat(),
        "withdrawn_reason": row.withdrawn_reason,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _read_of_row(row: Row) -> tuple[str, read_log.PatientRead]:
    return "appointments.read_list", read_log.PatientRead(row.patient_id, row.id)


_HAS_STATUS = {
    "waiting": queries.is_waiting,
    "booked": lambda: WaitingListEntry.appointment_id.is_not(None),
    "withdrawn": lambda: WaitingListEntry.withdrawn_at.is_not(None),
}


@api.get("/waiting-list/")
@requires(Permission.BOOK)
@api.arguments(ENTRIES, location="query")
@api.response(200, WaitingOut(many=True))
def waiting_list(arguments: dict[str, Any]) -> Response:
    """The waiting list, the most urgent first. The days are those on which the entries were made."""
    entry = WaitingListEntry
    query = filter_by_columns(
        queries.select_entries(),
        arguments,
        on=entry.created_at,
        patient=entry.patient_id,
        doctor=entry.doctor_id,
        department=entry.department_id,
        appointment=entry.appointment_id,
    )
    if "status" in arguments:
        query = query.where(_HAS_STATUS[arguments["status"]]())
    if "is_waiting" in arguments:
        query = query.where(queries.is_waiting() if arguments["is_waiting"] else not_(queries.is_waiting()))
    rows = ordered(query, {"ordering": "priority"} | arguments, entry.id, **COLUMNS)
    return read_log.list_response(rows, _entry_json, _read_of_row, entity="waiting_list_entry")


offer_export(api, waiting_list, exports.WAITING_LIST, at="/waiting-list/export/")


@api.post("/waiting-list/")
@requires(Permission.BOOK)
@api.arguments(WaitingIn)
@api.response(201, WaitingOut)
def add_to_waiting_list(payload: dict[str, Any]) -> Response:
    """Put a patient on the waiting list for a doctor, a department or a visit type; 409 `already_waiting` when the patient waits
    for the same."""
    values = {COLUMN_OF.get(name, name): value for name, value in payload.items() if value is not None}
    who = current_person()
    with action_context("appointments.add_to_waiting_list", who):
        return _entry_response(actions.add_to_waiting_list(**values, by=who).id, 201)


def _entry_response(entry_id: int, status: int = 200) -> Response:
    row = queries.get_entry(entry_id)
    return resource_response(_entry_json(row), row.version, status)


@api.get("/waiting-list/<int:entry_id>/")
@requires(Permission.BOOK)
@api.response(200, WaitingOut)
def waiting_entry(entry_id: int) -> Response:
    """One entry of the waiting list."""
    row = queries.get_entry(entry_id)
    read_log.record_read("appointments.read", row.patient_id, entity="waiting_list_entry", entity_id=entry_id)
    return resource_response(_entry_json(row), row.version)


@api.post("/waiting-list/<int:entry_id>/withdraw/")
@requires(Permission.BOOK)
@api.arguments(WithdrawEntryIn)
@api.response(200, WaitingOut)
def withdraw_from_waiting_list(payload: dict[str, Any], entry_id: int) -> Response:
    """Take an entry off the waiting list; 409 when it has ended."""
    who = current_person()
    with action_context("appointments.withdraw_from_waiting_list", who):
        return _entry_response(actions.withdraw_from_waiting_list(entry_id, **payload, by=who).id)


@api.post("/waiting-list/<int:entry_id>/book/")
@requires(Permission.BOOK)
@api.arguments(FreedPlaceIn)
@api.response(201, AppointmentOut)
def book_from_waiting_list(payload: dict[str, Any], entry_id: int) -> Response:
    """Book a place for a patient of the waiting list, which ends the entry; 409 `doctor_booked` when the place is gone."""
    who, values = current_person(), {COLUMN_OF.get(name, name): value for name, value in payload.items()}
    with action_context("appointments.book_from_waiting_list", who):
        booking = actions.book_from_waiting_list(entry_id, **values, by=who)
        row = api_queries.get_appointment(booking.id, who)
        return resource_response(appointment_json(row, sees_full_booking(who)), row.version, 201)


@api.get("/waiting-list/freed-places/")
@requires(Permission.BOOK)
@api.arguments(FREED, location="query")
@api.response(200, FreedPlaceOut(many=True))
def freed_places(arguments: dict[str, Any]) -> Response:
    """The places of the next three months that were cancelled or moved, can be booked now, and that somebody waits for, by
    time; at most 25, each with at most five of those who wait for it, the most urgent first."""
    readers = {"date": attrgetter("date"), "doctor": attrgetter("doctor_id")}
    doctor = arguments.get("doctor")
    places = [place for place in queries.list_freed_places() if doctor in (None, place.doctor_id)]
    places = order_rows(places, arguments, _when, **readers)
    return read_log.list_response(places, _place_json, _reads_of_place, entity="waiting_list_entry")


def _when(place: FreedPlace) -> tuple[Any, ...]:
    return place.date, place.time, place.doctor_id


def _place_json(place: FreedPlace) -> dict[str, Any]:
    return {
        "doctor": place.doctor_id,
        "doctor_name": place.doctor_name,
        "date": place.date.isoformat(),
        "time": place.time.isoformat("seconds"),
        "duration_minutes": place.minutes,
        "waiting": [_entry_json(entry) for entry in place.entries],
    }


def _reads_of_place(place: FreedPlace) -> tuple[Any, ...]:
    return "appointments.read_list", *(read_log.PatientRead(entry.patient_id, entry.id) for entry in place.entries)
