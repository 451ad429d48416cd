"""JSON: tests, orders and results of the laboratory."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response
from sqlalchemy import Select

from hms.clinical.api_params import check_encounter_exists, check_named_patient, require_encounter_id
from hms.clinical.encounters import queries as clinical
from hms.clinical.encounters import read_audit
from hms.core.api.blueprint import ApiBlueprint
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import resource_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.cleaning import fold
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    DAYS,
    PAGING,
    Bounds,
    Choice,
    DayOf,
    Id,
    Ordering,
    Search,
    TextLine,
    filter_by_columns,
    parameters,
)
from hms.core.web.parameters import ordered as in_order
from hms.lab import exports

from . import actions, api_queries
from .catalogue import tests
from .models import LabOrder
from .schemas import OrderIn, OrderOut, ResultsIn, TestOut, order_json, test_json

api = ApiBlueprint("lab_api", __name__, description="Laboratory")
OF_ENCOUNTER: dict[str, Any] = {
    **PAGING,
    **DAYS,
    "ordered_by": Id(),
    "status": Choice(api_queries.STATUSES),
    "ordering": Ordering(("id", "order_date", "ordered_at", "done_at")),
}
ORDERS = parameters(**OF_ENCOUNTER, patient=Id(), encounter=Id(), done_on=DayOf())
TESTS = parameters(
    **PAGING,
    search=Search(),
    specimen_type=TextLine(100),
    ordering=Ordering(("test_code", "test_name", "specimen_type")),
)


@api.get("/lab_tests/catalog/")
@requires(Permission.ORDER_TEST, Permission.ENTER_RESULT)
@api.arguments(TESTS, location="query")
@api.response(200, TestOut(many=True))
def catalogue(arguments: dict[str, Any]) -> Response:
    """The tests that can be ordered. `search` matches code and name."""
    words = fold(arguments.get("search", "")).split()
    rows = [test for test in tests().values() if all(word in fold(f"{test.code} {test.name}") for word in words)]
    rows = filter_rows(rows, arguments, specimen_type=attrgetter("specimen"))
    columns = {"test_code": "code", "test_name": "name", "specimen_type": "specimen"}
    numbers = {code: number for number, code in enumerate(tests())}
    readers = {name: attrgetter(column) for name, column in columns.items()}
    rows = order_rows(rows, arguments, lambda test: (numbers[test.code],), **readers)
    return paginated_response(rows, test_json)


offer_export(api, catalogue, exports.TESTS, at="/lab_tests/catalog/export/")


@api.get("/lab_orders/")
@requires(Permission.OPEN_CHART, Permission.ENTER_RESULT)
@api.arguments(ORDERS, location="query")
@api.response(200, OrderOut(many=True))
def ordered(arguments: dict[str, Any]) -> Response:
    """Orders with their results, newest first. `done_on` is the day of the results, the other days are those of the order."""
    rows, done_on = api_queries.select_orders(current_person()), arguments.get("done_on")
    if done_on is not None:
        rows = rows.where(*Bounds.of_days(done_on, done_on).conditions(LabOrder.done_at))
    return _orders(rows, arguments)


offer_export(api, ordered, exports.ORDERS, at="/lab_orders/export/")


def _orders(rows: Select, arguments: dict[str, Any]) -> Response:
    at = api_queries.ORDERED_AT
    columns = {"patient": LabOrder.patient_id, "encounter": LabOrder.encounter_id, "status": LabOrder.status}
    rows = filter_by_columns(rows, arguments, on=at, ordered_by=LabOrder.ordered_by_id, **columns)
    rows = in_order(rows, arguments, LabOrder.id, order_date=at, ordered_at=at, done_at=LabOrder.done_at)
    return read_audit.list_response("lab_order", rows, order_json)


@api.get("/encounters/<int:encounter_id>/lab_orders/")
@requires(Permission.OPEN_CHART)
@api.arguments(parameters(**OF_ENCOUNTER), location="query")
@api.response(200, OrderOut(many=True))
def of_encounter(arguments: dict[str, Any], encounter_id: int) -> Response:
    """The orders of one encounter, newest first."""
    encounter = read_audit.record_read("encounter", clinical.get_encounter(encounter_id, current_person()))
    rows = api_queries.select_orders(current_person()).where(LabOrder.encounter_id == encounter.id)
    return _orders(rows, arguments)


def _order_response(order_id: int, status: int = 200) -> Response:
    row = read_audit.record_read("lab_order", api_queries.get_order_row(order_id, current_person()))
    return resource_response(order_json(row), row.version, status)


@api.get("/lab_orders/<int:order_id>/")
@requires(Permission.OPEN_CHART, Permission.ENTER_RESULT)
@api.response(200, OrderOut)
def order(order_id: int) -> Response:
    """One order."""
    return _order_response(order_id)


def _create_order(encounter_id: int, payload: dict[str, Any]) -> Response:
    check_named_patient(payload, encounter_id)
    test = {"code": payload.get("test_code", ""), "text": payload.get("test_name", "")}
    order = actions.order_test(encounter_id, **test, is_urgent=payload.get("is_urgent", False), by=current_person())
    return _order_response(order.id, 201)


@api.post("/lab_orders/")
@requires(Permission.ORDER_TEST)
@api.arguments(OrderIn)
@api.response(201, OrderOut)
def order_test(payload: dict[str, Any]) -> Response:
    """Order a test in one's own open encounter; the order goes to the laboratory and the bill at once."""
    encounter_id = require_encounter_id(payload)
    check_encounter_exists(encounter_id, current_person())
    return _create_order(encounter_id, payload)


@api.post("/encounters/<int:encounter_id>/add_lab_order/")
@requires(Permission.ORDER_TEST)
@api.arguments(OrderIn)
@api.response(201, OrderOut)
def add_lab_order(payload: dict[str, Any], encounter_id: int) -> Response:
    """Order a test; the same as `POST /api/lab_orders/` with this encounter."""
    clinical.get_encounter(encounter_id, current_person())
    return _create_order(encounter_id, payload)


@api.delete("/lab_orders/<int:order_id>/")
@requires(Permission.ORDER_TEST)
@api.response(204)
def cancel(order_id: int) -> None:
    """Cancel one's own order that has no result yet."""
    api_queries.get_order_row(order_id, current_person())
    actions.cancel_order(order_id, by=current_person())


@api.post("/lab_orders/<int:order_id>/results/")
@requires(Permission.ENTER_RESULT)
@api.arguments(ResultsIn)
@api.response(200, OrderOut)
def enter(payload: dict[str, Any], order_id: int) -> Response:
    """Enter results, or correct them with a reason; the doctor gets an alert when all values are entered."""
    api_queries.get_order_row(order_id, current_person())
    actions.enter_results(order_id, payload["values"], reason=payload.get("reason", ""), by=current_person())
    return _order_response(order_id)
