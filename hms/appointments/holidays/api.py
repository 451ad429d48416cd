"""JSON: the hospital's holidays."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from sqlalchemy import Row

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.models import Holiday
from hms.appointments.schemas import HolidayIn, HolidayOut
from hms.core.api.pagination import paginated_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Ordering, get_day_range, ordered, parameters

from . import actions, queries

COLUMNS = {
    "date": Holiday.day,
    "name": Holiday.name,
    "created_at": Holiday.created_at,
    "updated_at": Holiday.updated_at,
}
HOLIDAYS = parameters(**PAGING, **DAYS, ordering=Ordering(("id", *COLUMNS)))


def holiday_json(row: Row) -> dict[str, Any]:
    """The JSON of a holiday. `open_appointments`: how many patients are still booked on it."""
    return {
        "id": row.id,
        "date": row.day.isoformat(),
        "name": row.name,
        "open_appointments": row.booked,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


@api.get("/holidays/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(HOLIDAYS, location="query")
@api.response(200, HolidayOut(many=True))
def holidays(arguments: dict[str, Any]) -> Response:
    """The holidays of the hospital, by date. Filters: date, date_from, date_to."""
    first, last = get_day_range(arguments)
    query = queries.select_holidays()
    query = query if first is None else query.where(Holiday.day >= first)
    query = query if last is None else query.where(Holiday.day <= last)
    rows = ordered(query, {"ordering": "date"} | arguments, Holiday.id, **COLUMNS)
    return paginated_response(rows, holiday_json)


offer_export(api, holidays, exports.HOLIDAYS, at="/holidays/export/")


@api.post("/holidays/")
@requires(Permission.MANAGE_HOLIDAYS)
@api.arguments(HolidayIn)
@api.response(201, HolidayOut)
def add_holiday(payload: dict[str, Any]) -> tuple[Response, int]:
    """Add a holiday: nobody can be booked on that day. 409 `already_holiday` when it is one. Appointments of the day stay;
    `open_appointments` says how many."""
    holiday = actions.add_holiday(**payload, by=current_person())
    return jsonify(holiday_json(queries.get_holiday(holiday.id))), 201


@api.get("/holidays/<int:holiday_id>/")
@requires(Permission.READ_APPOINTMENTS)
@api.response(200, HolidayOut)
def holiday(holiday_id: int) -> Response:
    """One holiday."""
    return jsonify(holiday_json(queries.get_holiday(holiday_id)))


@api.delete("/holidays/<int:holiday_id>/")
@requires(Permission.MANAGE_HOLIDAYS)
@api.response(204)
def remove_holiday(holiday_id: int) -> tuple[str, int]:
    """Remove a holiday, so that its day can be booked again; 409 when it is over."""
    actions.remove_holiday(holiday_id, by=current_person())
    return "", 204
