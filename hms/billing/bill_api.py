"""JSON: bills with their items, and the price list."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from sqlalchemy import func

from hms.core.api import argument_id, asked_days, check_if_match, listed, single
from hms.core.db import db, found
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.core.word_search import holds_words
from hms.core.words import _

from . import actions, queries, shapes, wire, withdrawing
from .correction_api import CorrectionOut, withdrawn_by_two
from .corrections import Kind
from .desk import api
from .models import Bill, BillLine, PriceItem
from .requests import THROUGH_API, or_conflict, ordered
from .rules import BillState

BILL_ORDERS = {
    "id": Bill.id,
    "date_issued": func.coalesce(Bill.issued_at, Bill.created_at),
    "total_amount": Bill.total,
}
YES_NO = {"true": True, "1": True, "false": False, "0": False}


def _bill_filters() -> dict[str, Any]:
    status, paid = request.args.get("status"), request.args.get("is_paid")
    if status is not None and status not in set(BillState):
        raise RuleBroken(_("Give draft, issued, part_paid, paid or void."), "status")
    if paid is not None and paid.lower() not in YES_NO:
        raise RuleBroken(_("Give true or false."), "is_paid")
    first, last = asked_days()
    return {
        "patient_id": argument_id("patient", "patient_id"),
        "encounter_id": argument_id("encounter", "encounter_id"),
        "status": status,
        "is_paid": YES_NO[paid.lower()] if paid is not None else None,
        "first": first,
        "last": last,
    }


@api.get("/bills/")
@needs(Action.READ_BILL_STATUS, Action.READ_OWN_RECORD)
@api.response(200, shapes.BillOut(many=True))
def bills() -> Response:
    """Bills, newest first. Filters: patient, encounter, status, is_paid, date, date_from, date_to; `search` takes a number."""
    query = wire.narrowed(wire.bills(person()), _bill_filters())
    if request.args.get("search"):
        query = query.where(Bill.id == (queries.bill_of_document(request.args["search"]) or 0))
    reads = wire.reads_whole(person())
    return listed(ordered(query, BILL_ORDERS, Bill.id), shapes.bill_json if reads else shapes.status_json)


def _bill(bill_id: int) -> tuple[dict[str, Any], int]:
    row = wire.bill(bill_id, person())
    if row is None:
        raise NotFound(_("There is no such bill."))
    return (shapes.bill_json if wire.reads_whole(person()) else shapes.status_json)(row), row.version


def _answer(bill_id: int, status: int = 200) -> Response:
    return single(*_bill(bill_id), status)


@api.get("/bills/<int:bill_id>/")
@needs(Action.READ_BILL_STATUS, Action.READ_OWN_RECORD)
@api.response(200, shapes.BillOut)
def bill(bill_id: int) -> Response:
    """One bill."""
    return _answer(bill_id)


@api.post("/bills/")
@needs(Action.EDIT_BILL)
@api.arguments(shapes.BillIn)
@api.response(201, shapes.BillOut)
def create_bill(given: dict[str, Any]) -> Response:
    """A new draft with its items; `amount` is the price of one. Total and `is_paid` are worked out, never taken."""
    made = actions.create_bill(
        given["patient"],
        items=[shapes.item(one) for one in given["items"]],
        notes=given["notes"],
        encounter_id=given["encounter"],
        payer=given["payer"],
        payer_share=given["payer_share"],
        by=person(),
    )
    return _answer(made.id, 201)


@api.put("/bills/<int:bill_id>/")
@needs(Action.EDIT_BILL)
@api.arguments(shapes.BillChange)
@api.response(200, shapes.BillOut)
def change_bill(given: dict[str, Any], bill_id: int) -> Response:
    """Change a draft: its notes, and all its items at once when they are given. An issued bill does not change.

    The front desk changes the bills that it wrote itself.
    """
    if not wire.rewrites(bill_id, person()):
        raise NotFound(_("There is no such bill."))
    body, version = _bill(bill_id)
    check_if_match(version, lambda: body)
    if given.get("patient", body["patient"]) != body["patient"]:
        raise RuleBroken(_("A bill stays with its patient. Make a new one for the other patient."), "patient")
    items = [shapes.item(one) for one in given["items"]] if "items" in given else None
    tagged = version if request.if_match else None
    changes = {"notes": given.get("notes"), "payer": given.get("payer", ""), "payer_share": given["payer_share"]}
    actions.change_bill(bill_id, items=items, **changes, version=tagged, by=person())
    return _answer(bill_id)


@api.delete("/bills/<int:bill_id>/")
@needs(Action.WITHDRAW_BILL)
@api.response(204)
@api.alt_response(202, schema=CorrectionOut)
def void_bill(bill_id: int) -> Any:
    """Make a bill void; it keeps its number. 409 while money is held for it. A bill that the caller issued takes another
    person's yes: 202 with the ask that waits."""
    body, _version = _bill(bill_id)
    why = {"reason": _(THROUGH_API), "by": person()}
    if body["status"] == BillState.DRAFT:
        or_conflict(lambda: actions.give_up_draft(bill_id, **why))
    elif body["status"] != BillState.VOID:
        if not withdrawing.is_own_work(found(Bill, bill_id).issued_by_id, person()):
            or_conflict(lambda: withdrawing.withdraw_bill(bill_id, **why))
            return "", 204
        return withdrawn_by_two(Kind.VOID, bill_id, None, lambda: actions.propose_void(bill_id, **why))
    return "", 204


@api.post("/bills/<int:bill_id>/issue/")
@needs(Action.ISSUE_BILL)
@api.response(200, shapes.BillOut)
def issue(bill_id: int) -> Response:
    """Give the draft the next number of the year; from then on it does not change."""
    actions.issue(bill_id, by=person())
    return _answer(bill_id)


@api.get("/bill-items/")
@needs(Action.READ_BILL)
@api.response(200, shapes.ItemOut(many=True))
def bill_items() -> Response:
    """Lines of bills, newest first. Filter: bill."""
    return listed(wire.items(argument_id("bill", "bill_id")).order_by(BillLine.id.desc()), shapes.item_json)


@api.post("/bill-items/")
@needs(Action.EDIT_BILL)
@api.arguments(shapes.BillItemIn)
@api.response(201, shapes.ItemOut)
def add_item(given: dict[str, Any]) -> Response:
    """Add a line to a draft."""
    if db.session.get(Bill, given["bill"]) is None:
        raise RuleBroken(_("There is no such bill."), "bill")
    line = actions.add_item(given["bill"], shapes.item(given), by=person())
    return single(shapes.item_json(line), 1, 201)


@api.get("/bill-items/<int:item_id>/")
@needs(Action.READ_BILL)
@api.response(200, shapes.ItemOut)
def bill_item(item_id: int) -> Response:
    """One line of a bill."""
    row = db.session.execute(wire.items().where(BillLine.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such line."))
    return single(shapes.item_json(row), 1)


@api.delete("/bill-items/<int:item_id>/")
@needs(Action.EDIT_BILL)
@api.response(204)
def withdraw_item(item_id: int) -> tuple[str, int]:
    """Take a line off a draft; 409 when its bill is issued."""
    line = found(BillLine, item_id)
    or_conflict(lambda: actions.withdraw_line(line.bill_id, item_id, by=person()))
    return "", 204


@api.get("/service-catalog/")
@needs(Action.READ_BILL_STATUS)
@api.response(200, shapes.ServiceOut(many=True))
def services() -> Response:
    """The price list by name; `search` looks into code and name."""
    typed = request.args.get("search", "").replace("\0", "")
    query = wire.services().where(*holds_words(PriceItem.search_text, typed))
    return listed(query.order_by(PriceItem.name, PriceItem.id), shapes.service_json)


@api.get("/service-catalog/<int:item_id>/")
@needs(Action.READ_BILL_STATUS)
@api.response(200, shapes.ServiceOut)
def service(item_id: int) -> Response:
    """One item of the price list."""
    row = db.session.execute(wire.services().where(PriceItem.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such item."))
    return single(shapes.service_json(row), 1)
