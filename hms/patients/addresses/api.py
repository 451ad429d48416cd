"""JSON: the areas of addresses."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields
from sqlalchemy import select

from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import resource_response
from hms.core.db.session import get_or_not_found
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.cleaning import escape_like, fold
from hms.core.web.guard import requires
from hms.core.web.parameters import PAGING, Flag, Id, Ordering, Search, filter_by_columns, ordered, parameters
from hms.patients import exports
from hms.patients.blueprints import api
from hms.patients.models import AddressArea

from .queries import MAX_WORDS

AREAS = parameters(**PAGING, search=Search(), parent=Id(), is_listed=Flag(), ordering=Ordering(("id", "path")))


class AreaOut(ApiSchema):
    """An area; `path` has the names of those above it too. `level` counts from 1, the largest areas."""

    id = fields.Integer()
    parent = fields.Integer(allow_none=True)
    level = fields.Integer()
    level_name = fields.String()
    path = fields.String()
    is_listed = fields.Boolean()


def area_json(row: AddressArea) -> dict[str, Any]:
    names = ("id", "level", "level_name", "path", "is_listed")
    return {name: getattr(row, name) for name in names} | {"parent": row.parent_id}


@api.get("/address-areas/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(AREAS, location="query")
@api.response(200, AreaOut(many=True))
def address_areas(arguments: dict[str, Any]) -> Response:
    """The areas of the country's hierarchy of addresses. `search`: every word is in the path. Filters: parent, is_listed."""
    query = filter_by_columns(
        select(AddressArea), arguments, parent=AddressArea.parent_id, is_listed=AddressArea.is_listed
    )
    for word in fold(arguments.get("search") or "").split()[:MAX_WORDS]:
        query = query.where(AddressArea.search_path.like(f"%{escape_like(word)}%"))
    return paginated_response(ordered(query, arguments, AddressArea.id, path=AddressArea.path), area_json)


offer_export(api, address_areas, exports.AREAS, at="/address-areas/export/")


@api.get("/address-areas/<int:area_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, AreaOut)
def address_area(area_id: int) -> Response:
    """One area."""
    return resource_response(area_json(get_or_not_found(AddressArea, area_id)), 1)
