"""JSON: bills with their items, and the price list."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import ARRAY, BigInteger, any_, cast, func

from hms.billing import exports, schemas
from hms.billing.api_responses import NO_REASON, list_read_entry, run_or_conflict
from hms.billing.blueprints import api
from hms.billing.corrections import actions as correction_actions
from hms.billing.corrections.api import CorrectionOut, WithdrawIn, request_instead_of_delete
from hms.billing.enums import BillState, CorrectionKind
from hms.billing.models import Bill, BillLine, PriceItem
from hms.core.actions import action_context
from hms.core.api import read_log
from hms.core.api.kept_lists import KeptList
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.session import db, get_or_not_found
from hms.core.db.word_search import contains_all_words
from hms.core.errors import NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    PAGING,
    Choice,
    Flag,
    Id,
    Ordering,
    Search,
    TextLine,
    days,
    filter_by_columns,
    ordered,
    parameters,
)
from hms.patients.access.reader import reader_kind, reader_values

from . import actions, api_queries, issuing, queries


def _reads_bills(who: Person) -> bool:
    """Whether `who` sees the page of bills with its tabs, void bills among them."""
    return who.may(Permission.READ_BILL)


BILL_DATE = func.coalesce(Bill.issued_at, Bill.created_at)
BILLS = parameters(
    **PAGING,
    **days(may_use=api_queries.may_read_whole),
    patient=Id(),
    encounter=Id(may_use=api_queries.may_read_whole),
    status=Choice(BillState, may_use=api_queries.may_read_whole),
    is_paid=Flag(),
    show=Choice(queries.STATES, may_use=_reads_bills),
    search=Search(may_use=api_queries.may_read_whole),
    ordering=Ordering(
        ("id", "date_issued", "total_amount"),
        hidden={"date_issued": api_queries.may_read_whole, "total_amount": api_queries.may_read_whole},
    ),
)

BILL_LIST = KeptList(
    api_queries.select_bills,
    Bill.id,
    filters={
        "patient": Bill.patient_id,
        "encounter": Bill.encounter_id,
        "status": Bill.status,
        "is_paid": lambda is_paid: (Bill.status == BillState.PAID) == is_paid,
        "bill_id": Bill.id,
        "patient_ids": lambda ids: Bill.patient_id == any_(cast(ids, ARRAY(BigInteger))),
    },
    days={"date_issued": BILL_DATE},
    orders={"date_issued": BILL_DATE, "total_amount": Bill.total},
)


def _manages_prices(who: Person) -> bool:
    return who.may(Permission.MANAGE_PRICES)


SERVICES = parameters(
    **PAGING,
    search=Search(),
    category=TextLine(50),
    is_priced=Flag(),
    with_inactive=Flag(may_use=_manages_prices),
    ordering=Ordering(("id", "name", "code", "category", "price")),
)


@api.get("/bills/")
@requires(Permission.READ_BILL_STATUS, Permission.READ_OWN_RECORD)
@api.arguments(BILLS, location="query")
@api.response(200, schemas.BillOut(many=True))
def bills(arguments: dict[str, Any]) -> Response:
    """Bills, newest first. Filters: patient, encounter, status, is_paid, date, date_from, date_to; `show`: a tab of the page;
    `search` takes a number of a bill or receipt, and for those who read bills what finds patients. People who may read only the
    patient and whether the bill is paid can filter only by these two."""
    who = current_person()
    is_whole = api_queries.may_read_whole(who)
    kind: dict[str, Any] = {"kind": reader_kind(who), "is_whole": is_whole}
    kind["with_void"] = api_queries.may_see_withdrawn(who) or "show" in arguments
    kind["state"] = arguments.get("show", "all")
    if arguments.get("search"):
        arguments |= _search(arguments["search"], who)
    rows = BILL_LIST.rows(arguments, reader_values(who), on="date_issued", **kind)
    project = schemas.bill_json if is_whole else schemas.status_json
    return read_log.list_response(rows, project, list_read_entry, entity="bill")


offer_export(api, bills, exports.BILLS, at="/bills/export/", permission=Permission.EXPORT_BILLS)


def _search(text: str, who: Person) -> dict[str, Any]:
    """The filter for the bill with this number, else for the bills of the patients whom the text finds."""
    bill_id = queries.find_bill_id(text)
    if bill_id is not None or not _reads_bills(who):
        return {"bill_id": bill_id or 0}
    return {"patient_ids": queries.find_patient_ids(text, who)}


def _bill(bill_id: int, *, is_read: bool = False) -> tuple[dict[str, Any], int]:
    row = api_queries.bill(bill_id, current_person())
    if row is None:
        raise NotFound(N_("This bill does not exist."))
    if is_read:
        read_log.record_read("billing.read_bill", row.patient_id, entity="bill", entity_id=bill_id)
    return (schemas.bill_json if api_queries.may_read_whole(current_person()) else schemas.status_json)(
        row
    ), row.version


def _bill_response(bill_id: int, status: int = 200) -> Response:
    return resource_response(*_bill(bill_id), status)


@api.get("/bills/<int:bill_id>/")
@requires(Permission.READ_BILL_STATUS, Permission.READ_OWN_RECORD)
@api.response(200, schemas.BillOut)
def bill(bill_id: int) -> Response:
    """One bill."""
    return resource_response(*_bill(bill_id, is_read=True))


@api.post("/bills/")
@requires(Permission.EDIT_BILL)
@api.arguments(schemas.BillIn)
@api.response(201, schemas.BillOut)
def create_bill(payload: dict[str, Any]) -> Response:
    """Create a draft with its items; `amount` is the unit price. The total and `is_paid` are calculated."""
    who = current_person()
    with action_context("billing.create_bill", who):  # so that the patient's name is read in the same transaction
        created = actions.create_bill(
            payload["patient"],
            items=[schemas.item_values(item) for item in payload["items"]],
            notes=payload["notes"],
            encounter_id=payload["encounter"],
            payer=payload["payer"],
            payer_share=payload["payer_share"],
            by=who,
        )
        patient = api_queries.patient_names(created.patient_id, who)
    is_whole = api_queries.may_read_whole(who)
    body = schemas.new_bill_json(created, patient) if is_whole else schemas.status_json(created)
    return resource_response(body, created.version, 201)


@api.put("/bills/<int:bill_id>/")
@requires(Permission.EDIT_BILL)
@api.arguments(schemas.BillChange)
@api.response(200, schemas.BillOut)
def change_bill(payload: dict[str, Any], bill_id: int) -> Response:
    """Change a draft: its notes and payer, and all its items at once when they are sent. An issued bill cannot be changed.

    People without the permission to read revenue can change only bills whose lines they added themselves.
    """
    if not api_queries.may_edit(bill_id, current_person()):
        raise NotFound(N_("This bill does not exist."))
    body = _bill(bill_id)[0]
    if payload.get("patient", body["patient"]) != body["patient"]:
        raise RuleBroken(
            N_("You cannot change the patient of a bill. Create a new bill for the other patient."), "patient"
        )
    items = [schemas.item_values(item) for item in payload["items"]] if "items" in payload else None
    changes = {"notes": payload.get("notes"), "payer": payload.get("payer", ""), "payer_share": payload["payer_share"]}
    with if_match(
        lambda: api_queries.bill(bill_id, current_person()), lambda _row: _bill(bill_id, is_read=True)[0]
    ) as v:
        actions.change_bill(bill_id, items=items, **changes, version=v, by=current_person())
    return _bill_response(bill_id)


@api.delete("/bills/<int:bill_id>/")
@requires(Permission.WITHDRAW_BILL)
@api.arguments(WithdrawIn, required=False)
@api.response(204)
@api.alt_response(202, schema=CorrectionOut)
def void_bill(payload: dict[str, Any], bill_id: int) -> Any:
    """Void a bill; it keeps its number. 409 while it has payments.

    A draft is voided at once (204). An issued bill is voided when another person approves: 202 with the request. While it
    waits, a repeated DELETE returns the same request.
    """
    body, _version = _bill(bill_id)
    arguments = {"reason": payload["reason"] or NO_REASON, "by": current_person()}
    if body["status"] == BillState.VOID:
        return "", 204
    if body["status"] == BillState.DRAFT:
        run_or_conflict(lambda: issuing.discard_draft(bill_id, **arguments))
        return "", 204
    return request_instead_of_delete(
        CorrectionKind.VOID, bill_id, None, lambda: correction_actions.request_void(bill_id, **arguments)
    )


@api.post("/bills/<int:bill_id>/issue/")
@requires(Permission.ISSUE_BILL)
@api.response(200, schemas.BillOut)
def issue(bill_id: int) -> Response:
    """Issue a draft: it gets the next number of the year and cannot be changed any more."""
    issuing.issue(bill_id, by=current_person())
    return _bill_response(bill_id)


@api.get("/bill-items/")
@requires(Permission.READ_BILL)
@api.arguments(
    parameters(**PAGING, bill=Id(), service=Id(), patient=Id(), ordering=Ordering(("id",))), location="query"
)
@api.response(200, schemas.ItemOut(many=True))
def bill_items(arguments: dict[str, Any]) -> Response:
    """Lines of bills, newest first. Filters: bill, service, patient."""
    columns = {"bill": BillLine.bill_id, "service": BillLine.price_item_id, "patient": Bill.patient_id}
    lines = filter_by_columns(api_queries.items(current_person()), arguments, **columns)
    return read_log.list_response(
        ordered(lines, arguments, BillLine.id), schemas.item_json, list_read_entry, entity="bill_line"
    )


offer_export(api, bill_items, exports.BILL_ITEMS, at="/bill-items/export/", permission=Permission.EXPORT_BILLS)


@api.post("/bill-items/")
@requires(Permission.EDIT_BILL)
@api.arguments(schemas.BillItemIn)
@api.response(201, schemas.ItemOut)
def add_item(payload: dict[str, Any]) -> Response:
    """Add a line to a draft."""
    if db.session.get(Bill, payload["bill"]) is None:
        raise RuleBroken(N_("This bill does not exist."), "bill")
    line = actions.add_item(payload["bill"], schemas.item_values(payload), by=current_person())
    return resource_response(schemas.item_json(line), 1, 201)


@api.get("/bill-items/<int:item_id>/")
@requires(Permission.READ_BILL)
@api.response(200, schemas.ItemOut)
def bill_item(item_id: int) -> Response:
    """One line of a bill."""
    row = db.session.execute(api_queries.items(current_person()).where(BillLine.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This line does not exist."))
    read_log.record_read("billing.read_bill", row.patient_id, entity="bill_line", entity_id=item_id)
    return resource_response(schemas.item_json(row), 1)


@api.delete("/bill-items/<int:item_id>/")
@requires(Permission.EDIT_BILL)
@api.response(204)
def withdraw_item(item_id: int) -> tuple[str, int]:
    """Remove a line from a draft; 409 when the bill is issued."""
    line = get_or_not_found(BillLine, item_id)
    run_or_conflict(lambda: actions.withdraw_line(line.bill_id, item_id, by=current_person()))
    return "", 204


@api.get("/service-catalog/")
@requires(Permission.READ_BILL_STATUS)
@api.arguments(SERVICES, location="query")
@api.response(200, schemas.ServiceOut(many=True))
def services(arguments: dict[str, Any]) -> Response:
    """The active items of the price list by name, with `with_inactive` all of them; `search` matches code and name. Filters:
    category, is_priced."""
    items = api_queries.services(with_inactive=arguments.get("with_inactive", False))
    query = items.where(*contains_all_words(PriceItem.search_text, arguments.get("search", "")))
    query = filter_by_columns(query, arguments, category=PriceItem.category, is_priced=PriceItem.is_priced)
    columns = {"name": PriceItem.name, "code": PriceItem.code, "category": PriceItem.category}
    query = ordered(query, {"ordering": "name"} | arguments, PriceItem.id, price=PriceItem.unit_price, **columns)
    return paginated_response(query, schemas.service_json)


offer_export(api, services, exports.PRICES, at="/service-catalog/export/")


@api.get("/service-catalog/<int:item_id>/")
@requires(Permission.READ_BILL_STATUS)
@api.response(200, schemas.ServiceOut)
def service(item_id: int) -> Response:
    """One item of the price list."""
    row = db.session.execute(api_queries.services().where(PriceItem.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This item does not exist."))
    return resource_response(schemas.service_json(row), 1)
