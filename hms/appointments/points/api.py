"""JSON: the service points of the hospital."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.enums import PointKind
from hms.appointments.models import ServicePoint
from hms.core.actions import action_context
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.keyset import OrderedSelect
from hms.core.db.session import get_or_not_found
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Choice, Flag, Id, Ordering, filter_by_columns, ordered, parameters

from . import actions
from .schemas import PointChange, PointIn, PointOut

COLUMNS = {
    "name": ServicePoint.name,
    "code": ServicePoint.code,
    "created_at": ServicePoint.created_at,
    "updated_at": ServicePoint.updated_at,
}
FIELDS = ("name", "code", "kind", "prefix", "department_id")
POINTS = parameters(
    **PAGING, is_active=Flag(), kind=Choice(PointKind), department=Id(), ordering=Ordering(("id", *COLUMNS))
)


def point_json(row: ServicePoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "code": row.code,
        "kind": row.kind,
        "prefix": row.prefix,
        "department": row.department_id,
        "is_active": row.is_active,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _response(row: ServicePoint, status: int = 200) -> Response:
    return resource_response(point_json(row), row.version, status)


@api.get("/service-points/")
@requires(Permission.READ_QUEUE)
@api.arguments(POINTS, location="query")
@api.response(200, PointOut(many=True))
def service_points(arguments: dict[str, Any]) -> Response:
    """The service points, by name. Filters: is_active, kind, department."""
    columns = {"is_active": ServicePoint.is_active, "kind": ServicePoint.kind, "department": ServicePoint.department_id}
    query = filter_by_columns(select(ServicePoint), arguments, **columns)
    rows: OrderedSelect = ordered(query, {"ordering": "name"} | arguments, ServicePoint.id, **COLUMNS)
    return paginated_response(rows, point_json)


offer_export(api, service_points, exports.SERVICE_POINTS, at="/service-points/export/")


@api.post("/service-points/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(PointIn)
@api.response(201, PointOut)
def add_service_point(payload: dict[str, Any]) -> Response:
    """Add a service point."""
    return _response(actions.save_service_point(**_columns(payload), by=current_person()), 201)


def _columns(payload: dict[str, Any]) -> dict[str, Any]:
    return {"department_id" if name == "department" else name: value for name, value in payload.items()}


@api.get("/service-points/<int:point_id>/")
@requires(Permission.READ_QUEUE)
@api.response(200, PointOut)
def service_point(point_id: int) -> Response:
    """One service point."""
    return _response(get_or_not_found(ServicePoint, point_id))


@api.put("/service-points/<int:point_id>/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(PointChange)
@api.response(200, PointOut)
def change_service_point(payload: dict[str, Any], point_id: int) -> Response:
    """Change a service point; fields left out stay as they are. `is_active` false closes it, when nobody waits there."""
    who = current_person()
    with if_match(lambda: get_or_not_found(ServicePoint, point_id), point_json) as version:
        is_active, stored = payload.pop("is_active", None), get_or_not_found(ServicePoint, point_id)
        values = {name: getattr(stored, name) for name in FIELDS} | _columns(payload)
        with action_context("appointments.save_service_point", who):
            point = actions.save_service_point(point_id, **values, version=version, by=who)
            if is_active is not None:
                point = actions.set_service_point_open(point_id, is_active=is_active, by=who)
            return _response(point)
