"""JSON: the order sets that the person may use, and applying one to an encounter."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response

from hms.clinical.blueprints import api
from hms.clinical.encounters import queries as encounters
from hms.clinical.models import NoteTemplate
from hms.clinical.note_templates import actions as templates
from hms.clinical.note_templates.order_lines import split_lines
from hms.clinical.schemas import prescription_json
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import order_rows
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate
from hms.core.web.parameters import PAGING, Ordering, parameters

from . import actions
from .schemas import ApplyOrderSetIn, ApplyOrderSetOut, OrderSetOut

ORDER_SETS = parameters(**PAGING, ordering=Ordering(("id", "title")))


@api.get("/order_sets/")
@requires(Permission.PRESCRIBE)
@api.arguments(ORDER_SETS, location="query")
@api.response(200, OrderSetOut(many=True))
def order_sets(arguments: dict[str, Any]) -> Response:
    """The order sets of the person, of their department and of the hospital."""
    rows = templates.list_templates(current_person(), templates.ORDERS)
    columns = {"id": attrgetter("id"), "title": attrgetter("title")}
    return paginated_response(order_rows(rows, arguments, lambda row: (row.title, row.id), **columns), _order_set_json)


def _order_set_json(row: NoteTemplate) -> dict[str, Any]:
    belongs_to, lines = templates.get_scope(row), split_lines(row.content)
    return {"id": row.id, "shortcut": row.shortcut, "title": row.title, "belongs_to": belongs_to, "lines": lines}


@api.post("/encounters/<int:encounter_id>/apply_order_set/")
@requires(Permission.PRESCRIBE)
@api.arguments(ApplyOrderSetIn)
@api.response(200, ApplyOrderSetOut)
def apply_order_set(payload: dict[str, Any], encounter_id: int) -> dict[str, Any]:
    """Prescribe each line of an order set. A line that a check stops is not added, and says why."""
    encounters.get_encounter(encounter_id, current_person())
    added, refused = actions.apply_order_set(encounter_id, payload["order_set"], by=current_person())
    return {
        "added": [prescription_json(line, is_readable=True) for line in added],
        "not_added": [{"line": line, "reason": translate(reason)} for line, reason in refused],
    }
