"""JSON: appointments, and today's queue."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response
from sqlalchemy import Row

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.enums import Status
from hms.appointments.queue import queries, transitions
from hms.appointments.schemas import (
    AppointmentChange,
    AppointmentIn,
    AppointmentOut,
    EntryOut,
    appointment_json,
    entry_json,
)
from hms.appointments.waits import queries as wait_queries
from hms.core import clock
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.api.preconditions import if_match, resource_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.errors import NotAllowed, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, DayOf, Flag, Id, Ordering, get_day_range, parameters

from . import actions, api_queries


def sees_full_booking(who: Person) -> bool:
    """Whether `who` sees doctor, reason and notes of a booking, not only patient, time and status."""
    return who.may(Permission.READ_VISIT_REASON) or who.is_patient


APPOINTMENTS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    doctor=Id(may_use=sees_full_booking),
    status=Choice(Status),
    visit_type=Id(may_use=sees_full_booking),
    department=Id(may_use=sees_full_booking),
    is_moved=Flag(),
    upcoming=Flag(),
    ordering=Ordering(api_queries.COLUMNS, hidden=dict.fromkeys(("created_at", "updated_at"), sees_full_booking)),
)


def _appointment_response(appointment_id: int, status: int = 200) -> Response:
    return _row_response(api_queries.get_appointment(appointment_id, current_person()), status)


def _row_response(row: Row, status: int = 200) -> Response:
    return resource_response(appointment_json(row, sees_full_booking(current_person())), row.version, status)


def _read_of_row(row: Any) -> tuple[str, read_log.PatientRead]:
    return "appointments.read_list", read_log.PatientRead(row.patient_id, row.id)


@api.get("/appointments/")
@requires(Permission.READ_APPOINTMENTS, Permission.READ_OWN_RECORD)
@api.arguments(APPOINTMENTS, location="query")
@api.response(200, AppointmentOut(many=True))
def appointments(arguments: dict[str, Any]) -> Response:
    """Appointments, newest first; of one day by time. Filters: patient, doctor, department (of the doctor), status, visit_type,
    is_moved (to another time), date, date_from, date_to, upcoming."""
    who, filters, sees_all = current_person(), _read_filters(arguments), sees_full_booking(current_person())
    order = arguments.get("ordering", "date" if arguments.get("upcoming") or arguments.get("date") else "-id")
    return read_log.list_response(
        api_queries.list_appointments(who=who, filters=filters, order=order),
        lambda row: appointment_json(row, sees_all),
        _read_of_row,
        entity="appointment",
    )


offer_export(api, appointments, exports.APPOINTMENTS, at="/appointments/export/")


def _read_filters(arguments: dict[str, Any]) -> dict[str, Any]:
    first, last = get_day_range(arguments)
    return dict(
        patient_id=arguments.get("patient"),
        doctor_id=arguments.get("doctor"),
        status=arguments.get("status"),
        visit_type_id=arguments.get("visit_type"),
        department_id=arguments.get("department"),
        is_moved=arguments.get("is_moved"),
        first=first,
        last=last,
        since=clock.local(clock.now()).replace(tzinfo=None) if arguments.get("upcoming") else None,
    )


@api.post("/appointments/")
@requires(Permission.BOOK)
@api.arguments(AppointmentIn)
@api.response(201, AppointmentOut)
def book(payload: dict[str, Any]) -> Response:
    """Book an appointment. 409 `doctor_booked` or `patient_booked` when the time is taken; with `overbook` it may be beyond
    the places of the time, if the clinic hours allow one more."""
    if payload.pop("status", Status.SCHEDULED) != Status.SCHEDULED:
        raise RuleBroken(N_("A new appointment must have the status “Scheduled”."), "status")
    who = current_person()
    with action_context("appointments.book", who):  # so that the response is read in the same transaction
        booking = actions.book(
            patient_id=payload["patient"],
            doctor_id=payload["doctor"],
            date=payload["date"],
            time=payload["time"],
            duration_minutes=payload.get("duration_minutes"),
            visit_type_id=payload.get("visit_type"),
            notes=payload.get("notes") or "",
            is_overbooked=payload.get("overbook", False),
            by=who,
        )
        return _appointment_response(booking.id, 201)


@api.get("/appointments/<int:appointment_id>/")
@requires(Permission.READ_APPOINTMENTS, Permission.READ_OWN_RECORD)
@api.response(200, AppointmentOut)
def appointment(appointment_id: int) -> Response:
    """One appointment."""
    return _row_response(_note(api_queries.get_appointment(appointment_id, current_person())))


def _note(row: Row) -> Row:
    read_log.record_read("appointments.read", row.patient_id, entity="appointment", entity_id=row.id)
    return row


@api.put("/appointments/<int:appointment_id>/")
@requires(Permission.EDIT_APPOINTMENT)
@api.arguments(AppointmentChange)
@api.response(200, AppointmentOut)
def change(payload: dict[str, Any], appointment_id: int) -> Response:
    """Change an appointment: doctors their own, nurses only the status. Fields left out stay as they are."""
    stored = api_queries.get_appointment(appointment_id, current_person())
    who = current_person()
    with if_match(
        lambda: api_queries.get_appointment(appointment_id, who),
        lambda row: appointment_json(_note(row), sees_full_booking(who)),
    ) as version:
        _check_may_write(stored, payload)
        changes = {COLUMN_OF.get(name, name): value for name, value in payload.items()}
        transitions.edit_appointment(appointment_id, version=version, **changes, by=who)
    return _appointment_response(appointment_id)


COLUMN_OF = {"patient": "patient_id", "doctor": "doctor_id", "visit_type": "visit_type_id"}


def _check_may_write(stored: Row, payload: dict[str, Any]) -> None:
    """Raise `NotAllowed` for a changed field other than the status when the role may change only the status."""
    if current_person().may(Permission.MOVE_APPOINTMENT):
        return
    for name, value in payload.items():
        if name != "status" and value is not None and value != getattr(stored, COLUMN_OF.get(name, name)):
            raise NotAllowed(N_("Your role may change only the status, not: %(name)s."), name=name)


@api.delete("/appointments/<int:appointment_id>/")
@requires(Permission.WITHDRAW_APPOINTMENT)
@api.response(204)
def withdraw(appointment_id: int) -> tuple[str, int]:
    """Withdraw an appointment from every list; 409 when the patient has come."""
    transitions.withdraw_appointment(appointment_id, by=current_person())
    return "", 204


@api.post("/appointments/<int:appointment_id>/restore/")
@requires(Permission.WITHDRAW_APPOINTMENT)
@api.response(204)
def restore(appointment_id: int) -> tuple[str, int]:
    """Undo the withdrawal of an appointment; 409 `doctor_booked` or `patient_booked` when its time is taken by now."""
    transitions.restore_appointment(appointment_id, by=current_person())
    return "", 204


QUEUE_COLUMNS = ("id", "token", "priority", "arrived_at", "called_at", "held_at")
QUEUE = parameters(
    **PAGING,
    show=Choice(queries.GROUPS),
    date=DayOf(),
    doctor=Id(),
    patient=Id(),
    appointment=Id(),
    status=Choice(status for group in queries.GROUPS.values() for status in group),
    ordering=Ordering(QUEUE_COLUMNS),
)


@api.get("/queue/")
@requires(Permission.READ_QUEUE)
@api.arguments(QUEUE, location="query")
@api.response(200, EntryOut(many=True))
def queue(arguments: dict[str, Any]) -> Response:
    """The queue of a day (default today) in the order of calling: `?show=waiting` (and called), `with_staff` or `done`.
    Filters: date, patient, appointment, status, and doctor, which keeps those who wait for any doctor. `expected_wait` is null
    for those who are called already, and while too little is known of the doctor."""
    entries = queries.list_entries(arguments.get("date"), show=_group(arguments), doctor_id=arguments.get("doctor"))
    columns = {"patient": "patient_id", "appointment": "appointment_id", "status": "status"}
    entries = filter_rows(entries, arguments, **{name: attrgetter(column) for name, column in columns.items()})
    is_done = _group(arguments) == "done"
    readers = {name: attrgetter(name) for name in QUEUE_COLUMNS}
    entries = order_rows(entries, arguments, _latest_first if is_done else _calling_order, **readers)
    waits = wait_queries.expected_waits() if _group(arguments) == "waiting" else {}
    return read_log.list_response(entries, lambda entry: entry_json(entry, waits), _read_of_row, entity="queue_entry")


offer_export(api, queue, exports.QUEUE, at="/queue/export/")


def _calling_order(entry: queries.Entry) -> tuple[Any, ...]:
    return entry.held_at is not None, entry.line_priority, entry.line_at.timestamp(), entry.token


def _latest_first(entry: queries.Entry) -> tuple[bool, float, int]:
    return entry.ended_at is not None, -entry.ended_at.timestamp() if entry.ended_at else 0.0, -entry.id


def _group(arguments: dict[str, Any]) -> str:
    """The group that was named, or the one with the status that was named; "waiting" without either."""
    status = arguments.get("status")
    with_status = next((name for name, statuses in queries.GROUPS.items() if status in statuses), "waiting")
    return arguments.get("show", with_status)
