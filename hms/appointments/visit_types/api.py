"""JSON: the types of visits."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.models import VisitType
from hms.appointments.schemas import VisitTypeChange, VisitTypeIn, VisitTypeOut
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.keyset import OrderedSelect
from hms.core.db.session import get_or_not_found
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Flag, Ordering, filter_by_columns, ordered, parameters

from . import actions

COLUMNS = {
    "name": VisitType.name,
    "mark": VisitType.mark,
    "duration_minutes": VisitType.minutes,
    "created_at": VisitType.created_at,
    "updated_at": VisitType.updated_at,
}
COLUMN_OF = {"duration_minutes": "minutes"}
VISIT_TYPES = parameters(**PAGING, is_active=Flag(), ordering=Ordering(("id", *COLUMNS)))


def visit_type_json(row: VisitType) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "mark": row.mark,
        "colour": row.colour,
        "duration_minutes": row.minutes,
        "is_follow_up": row.is_follow_up,
        "is_active": row.is_active,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _response(row: VisitType, status: int = 200) -> Response:
    return resource_response(visit_type_json(row), row.version, status)


@api.get("/visit-types/")
@requires(Permission.READ_APPOINTMENTS)
@api.arguments(VISIT_TYPES, location="query")
@api.response(200, VisitTypeOut(many=True))
def visit_types(arguments: dict[str, Any]) -> Response:
    """The types of visits, by name. Filter: is_active."""
    query = filter_by_columns(select(VisitType), arguments, is_active=VisitType.is_active)
    rows: OrderedSelect = ordered(query, {"ordering": "name"} | arguments, VisitType.id, **COLUMNS)
    return paginated_response(rows, visit_type_json)


offer_export(api, visit_types, exports.VISIT_TYPES, at="/visit-types/export/")


@api.post("/visit-types/")
@requires(Permission.MANAGE_HOURS)
@api.arguments(VisitTypeIn)
@api.response(201, VisitTypeOut)
def add_visit_type(payload: dict[str, Any]) -> Response:
    """Add a visit type."""
    return _response(actions.save_visit_type(**_columns(payload), by=current_person()), 201)


def _columns(payload: dict[str, Any]) -> dict[str, Any]:
    return {COLUMN_OF.get(name, name): value for name, value in payload.items()}


@api.get("/visit-types/<int:visit_type_id>/")
@requires(Permission.READ_APPOINTMENTS)
@api.response(200, VisitTypeOut)
def visit_type(visit_type_id: int) -> Response:
    """One visit type."""
    return _response(get_or_not_found(VisitType, visit_type_id))


@api.put("/visit-types/<int:visit_type_id>/")
@requires(Permission.MANAGE_HOURS)
@api.arguments(VisitTypeChange)
@api.response(200, VisitTypeOut)
def change_visit_type(payload: dict[str, Any], visit_type_id: int) -> Response:
    """Change a visit type; fields left out stay as they are. `is_active` false closes it: it cannot be chosen any more."""
    with if_match(lambda: get_or_not_found(VisitType, visit_type_id), visit_type_json) as version:
        stored = get_or_not_found(VisitType, visit_type_id)
        values = {name: getattr(stored, name) for name in ("name", "mark", "colour", "minutes")} | _columns(payload)
        return _response(actions.save_visit_type(visit_type_id, **values, version=version, by=current_person()))
