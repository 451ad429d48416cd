"""JSON: bookings that nobody has confirmed."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.schemas import UnconfirmedOut, full_name
from hms.core.api import read_log
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Id, Ordering, parameters

from . import actions, queries

ORDERS = ("id", "date", "time")
UNCONFIRMED = parameters(**PAGING, patient=Id(), doctor=Id(), ordering=Ordering(ORDERS))


@api.get("/appointments/unconfirmed/")
@requires(Permission.CHECK_IN)
@api.arguments(UNCONFIRMED, location="query")
@api.response(200, UnconfirmedOut(many=True))
def unconfirmed(arguments: dict[str, Any]) -> Response:
    """The appointments of the next days that nobody confirmed and about which no message was sent, by day and time. Filters:
    patient, doctor. `has_failed`: a message was not sent; else there was none."""
    columns = {"patient": attrgetter("patient_id"), "doctor": attrgetter("doctor_id")}
    rows = filter_rows(queries.list_unconfirmed(), arguments, **columns)
    natural = attrgetter("date", "time", "id")
    listed = order_rows(rows, arguments, natural, **{name: attrgetter(name) for name in ORDERS})
    return read_log.list_response(listed, _unconfirmed_json, _read_of_row, entity="appointment")


offer_export(api, unconfirmed, exports.UNCONFIRMED, at="/appointments/unconfirmed/export/")


def _unconfirmed_json(row: queries.Unconfirmed) -> dict[str, Any]:
    return {
        "id": row.id,
        "patient": row.patient_id,
        "patient_name": full_name(row),
        "doctor": row.doctor_id,
        "doctor_name": row.doctor_name,
        "date": row.date.isoformat(),
        "time": row.time.isoformat("seconds"),
        "has_failed": row.has_failed,
    }


def _read_of_row(row: queries.Unconfirmed) -> tuple[str, read_log.PatientRead]:
    return "appointments.read_list", read_log.PatientRead(row.patient_id, row.id)


@api.post("/appointments/<int:appointment_id>/confirm/")
@requires(Permission.EDIT_APPOINTMENT)
@api.response(204)
def confirm(appointment_id: int) -> tuple[str, int]:
    """Note that the patient has confirmed the present time; 409 unless the appointment is booked."""
    actions.confirm_appointment(appointment_id, by=current_person())
    return "", 204


@api.post("/appointments/<int:appointment_id>/undo-confirmation/")
@requires(Permission.EDIT_APPOINTMENT)
@api.response(204)
def undo_confirmation(appointment_id: int) -> tuple[str, int]:
    """Take a confirmation back."""
    actions.undo_confirmation(appointment_id, by=current_person())
    return "", 204
