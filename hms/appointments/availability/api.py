"""JSON: clinic hours, and the free times of a doctor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, jsonify
from sqlalchemy import Row, or_

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.models import WorkingHours
from hms.appointments.visit_types.queries import find_minutes
from hms.core import clock
from hms.core.api.pagination import paginated_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    DAYS,
    PAGING,
    DayOf,
    Id,
    Number,
    Ordering,
    filter_by_columns,
    get_day_range,
    ordered,
    parameters,
)

from . import actions, queries
from .rules import MAX_DURATION, MIN_DURATION
from .schemas import ClinicHoursIn, ClinicHoursOut, FreeSlotsOut

LONGEST_AHEAD = timedelta(days=731)
COLUMNS = {
    name: getattr(WorkingHours, name)
    for name in ("weekday", "starts", "ends", "valid_from", "valid_to", "created_at", "updated_at")
}
CLINIC_HOURS = parameters(
    **PAGING, **DAYS, doctor=Id(), weekday=Number(0, 6), ordering=Ordering(("id", "doctor", *COLUMNS))
)
FREE_SLOTS = parameters(
    doctor=Id(required=True),
    date=DayOf(required=True),
    visit_type=Id(),
    duration_minutes=Number(MIN_DURATION, MAX_DURATION),
)


def clinic_hours_json(row: Row) -> dict[str, Any]:
    same = ("id", "doctor_name", "weekday", "slot_minutes", "capacity", "overbooking")
    return {name: getattr(row, name) for name in same} | {
        "doctor": row.doctor_id,
        "starts": row.starts.isoformat("seconds"),
        "ends": row.ends.isoformat("seconds"),
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


@api.get("/clinic-hours/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(CLINIC_HOURS, location="query")
@api.response(200, ClinicHoursOut(many=True))
def clinic_hours(arguments: dict[str, Any]) -> Response:
    """The clinic hours of the doctors, by weekday. Filters: doctor, weekday, and date, date_from, date_to: those that are valid
    on one of the days."""
    first, last = get_day_range(arguments)
    query = filter_by_columns(
        queries.select_hours(), arguments, doctor=WorkingHours.doctor_id, weekday=WorkingHours.weekday
    )
    if first is not None:
        query = query.where(or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= first))
    query = query if last is None else query.where(WorkingHours.valid_from <= last)
    columns = COLUMNS | {"doctor": WorkingHours.doctor_id}
    return paginated_response(
        ordered(query, {"ordering": "weekday"} | arguments, WorkingHours.id, **columns), clinic_hours_json
    )


offer_export(api, clinic_hours, exports.CLINIC_HOURS, at="/clinic-hours/export/")


@api.post("/clinic-hours/")
@requires(Permission.MANAGE_HOURS)
@api.arguments(ClinicHoursIn)
@api.response(201, ClinicHoursOut)
def add_clinic_hours(payload: dict[str, Any]) -> tuple[Response, int]:
    """Add clinic hours of a doctor. 409 `hours_overlap` when the doctor has some at that time."""
    added = actions.add_hours(payload.pop("doctor"), **payload, by=current_person())
    return jsonify(clinic_hours_json(queries.get_hours(added.id))), 201


@api.get("/clinic-hours/<int:hours_id>/")
@requires(Permission.READ_APPOINTMENTS)
@api.response(200, ClinicHoursOut)
def one_clinic_hours(hours_id: int) -> Response:
    """One entry of clinic hours."""
    return jsonify(clinic_hours_json(queries.get_hours(hours_id)))


@api.post("/clinic-hours/<int:hours_id>/end/")
@requires(Permission.MANAGE_HOURS)
@api.response(200, ClinicHoursOut)
def end_clinic_hours(hours_id: int) -> Response:
    """End clinic hours with yesterday: nobody can be booked in them any more. Appointments stay."""
    actions.end_hours(hours_id, by=current_person())
    return jsonify(clinic_hours_json(queries.get_hours(hours_id)))


@api.get("/free-slots/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(FREE_SLOTS, location="query")
@api.response(200, FreeSlotsOut)
def free_slots(arguments: dict[str, Any]) -> Response:
    """The times at which a doctor can still be booked on a day, for a visit of `duration_minutes`, else of `visit_type`, else
    of the doctor's own slots. None for a past day, and for one in more than two years."""
    doctor_id, day = arguments["doctor"], arguments["date"]
    minutes = arguments.get("duration_minutes") or find_minutes(arguments.get("visit_type"))
    slots, following = [], None
    if timedelta() <= day - clock.today() <= LONGEST_AHEAD:
        slots = queries.list_free_slots(doctor_id, day, minutes=minutes)
        since = max(clock.day_bounds(day)[0], clock.now())
        following = None if slots else queries.find_next_free_slot(doctor_id, since, minutes)
    return jsonify(
        {
            "doctor": doctor_id,
            "date": day.isoformat(),
            "slots": [_slot_json(slot) for slot in slots],
            "holiday": queries.find_holiday(day),
            "next_free": following
            and {"date": following[0].isoformat(), "time": following[1].time.isoformat("seconds")},
        }
    )


def _slot_json(slot: Any) -> dict[str, Any]:
    minutes = int((slot.ends - slot.starts).total_seconds() // 60)
    return {"time": slot.time.isoformat("seconds"), "duration_minutes": minutes, "places": slot.places}
