"""JSON: wall screens."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify, url_for
from sqlalchemy import Row

from hms.appointments import exports
from hms.appointments.blueprints import api
from hms.appointments.models import WallScreen
from hms.appointments.schemas import ScreenIn, ScreenMadeOut, ScreenOut
from hms.core.api.pagination import paginated_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Id, Ordering, filter_by_columns, ordered, parameters

from . import actions, queries

COLUMNS = {"name": WallScreen.name, "created_at": WallScreen.created_at}
SCREENS = parameters(**PAGING, doctor=Id(), point=Id(), ordering=Ordering(("id", *COLUMNS)))


def screen_json(row: Row | WallScreen) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "doctor": row.doctor_id,
        "point": row.point_id,
        "has_chime": row.has_chime,
        "spoken": row.spoken,
        "created_at": row.created_at.isoformat(),
    }


@api.get("/wall-screens/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(SCREENS, location="query")
@api.response(200, ScreenOut(many=True))
def wall_screens(arguments: dict[str, Any]) -> Response:
    """The wall screens that are not switched off, by name. Filters: doctor, point."""
    query = filter_by_columns(
        queries.select_screens(), arguments, doctor=WallScreen.doctor_id, point=WallScreen.point_id
    )
    rows = ordered(query, {"ordering": "name"} | arguments, WallScreen.id, **COLUMNS)
    return paginated_response(rows, screen_json)


offer_export(api, wall_screens, exports.WALL_SCREENS, at="/wall-screens/export/")


@api.post("/wall-screens/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(ScreenIn)
@api.response(201, ScreenMadeOut)
def make_screen(payload: dict[str, Any]) -> tuple[Response, int]:
    """Make a wall screen for one `doctor` or one service `point`, or for all without both. `link` opens it on
    a wall PC and is told only now."""
    values = {"doctor_id": payload.pop("doctor", None), "point_id": payload.pop("point", None)} | payload
    screen, secret = actions.make_screen(**values, by=current_person())
    g.is_shown_once = True
    link = url_for("appointments.wall", secret=secret, _external=True)
    return jsonify(screen_json(screen) | {"link": link}), 201


@api.delete("/wall-screens/<int:screen_id>/")
@requires(Permission.MANAGE_SETTINGS)
@api.response(204)
def switch_off_screen(screen_id: int) -> tuple[str, int]:
    """Switch a wall screen off for good; its link opens nothing any more."""
    actions.switch_off_screen(screen_id, by=current_person())
    return "", 204
