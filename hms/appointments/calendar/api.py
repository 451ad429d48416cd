"""JSON: how many places of each day are free and booked."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any

from flask import Response

from hms.appointments.blueprints import api
from hms.appointments.schemas import CalendarDayOut
from hms.core import clock
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import order_rows
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import requires
from hms.core.web.parameters import DAYS, PAGING, Id, Ordering, get_day_range, parameters

from . import month_queries
from .month_queries import CalendarDay

MAX_DAYS = timedelta(days=62)
READERS = {"date": attrgetter("day"), "free": attrgetter("free"), "booked": attrgetter("booked")}
CALENDAR = parameters(**PAGING, **DAYS, doctor=Id(), department=Id(), ordering=Ordering(READERS))


def _day_json(row: CalendarDay) -> dict[str, Any]:
    return {
        "date": row.day.isoformat(),
        "free": row.free,
        "booked": row.booked,
        "holiday": row.holiday,
        "away": sorted(row.away),
    }


@api.get("/calendar/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(CALENDAR, location="query")
@api.response(200, CalendarDayOut(many=True))
def calendar(arguments: dict[str, Any]) -> Response:
    """How many places of each day are free and booked, its holiday, and which doctors are away; by default of the next 31
    days, at most of 62; none before 1900 or after 2999. Filters: doctor, department, date, date_from, date_to."""
    first, last = get_day_range(arguments)
    if not all(1900 <= day.year <= 2999 for day in (first, last) if day is not None):
        return _days_response([], arguments)
    first = first or (last - timedelta(days=30) if last else clock.today())
    last = last or first + timedelta(days=30)
    if not timedelta() <= last - first < MAX_DAYS:
        raise RuleBroken(N_("Ask for 1 to 62 days."), "date_to")
    days = month_queries.count_days(
        first, last, department_id=arguments.get("department"), doctor_id=arguments.get("doctor")
    )
    return _days_response(days, arguments)


def _days_response(days: list[CalendarDay], arguments: dict[str, Any]) -> Response:
    return paginated_response(order_rows(days, arguments, lambda row: (row.day,), **READERS), _day_json)
