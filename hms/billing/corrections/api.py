"""JSON: what waits for a second person, asking and deciding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import select

from hms.billing.api_responses import or_conflict, seen_in_list
from hms.billing.blueprints import api
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, Correction, Payment
from hms.core.api import read_log
from hms.core.api.blueprint import ApiSchema
from hms.core.api.preconditions import resource_response
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.fields import Amount, Pk, Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.staff.sign_in.reauthentication import reauthenticate

from . import actions, queries


class CorrectionIn(ApiSchema):
    """What is asked: a refund names its `payment`, the others their `bill`. Without `amount` all that is left is meant; a
    discount takes an amount or a percentage in `discount`."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in CorrectionKind]))
    bill = Pk(load_default=None, allow_none=True)
    payment = Pk(load_default=None, allow_none=True)
    amount = Amount(load_default=None, allow_none=True)
    discount = Text(12, load_default="")
    method = Text(30, load_default="")
    reason = Text(200, required=True)


class DeclineIn(ApiSchema):
    reason = Text(200, required=True)


class ApproveIn(ApiSchema):
    """`proof` is the person's password, or the present code of their second factor."""

    proof = Text(1024, required=True, blank=False)


class WithdrawIn(ApiSchema):
    """The body of a DELETE; it may be left out."""

    reason = Text(200, load_default="")


class CorrectionOut(ApiSchema):
    id = fields.Integer()
    kind = fields.String()
    status = fields.String()
    bill = fields.Integer()
    payment = fields.Integer(allow_none=True)
    amount = fields.String(allow_none=True)
    method = fields.String(allow_none=True)
    reason = fields.String()
    proposed_by = fields.Integer()
    created_at = fields.DateTime()
    decided_by = fields.Integer(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)
    note = fields.String()


def correction_json(one: Correction) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "status": one.status,
        "bill": one.bill_id,
        "payment": one.payment_id,
        "amount": one.amount,
        "method": one.method,
        "reason": one.reason,
        "proposed_by": one.proposed_by_id,
        "created_at": one.created_at,
        "decided_by": one.decided_by_id,
        "decided_at": one.decided_at,
        "note": one.decision_note,
    }


CORRECTIONS = parameters(
    **PAGING,
    **DAYS,
    bill=Id(),
    payment=Id(),
    proposed_by=Id(),
    decided_by=Id(),
    status=Choice(CorrectionStatus),
    ordering=Ordering(("id",)),
)


@api.get("/corrections/")
@requires(Permission.PROPOSE_CORRECTION)
@api.arguments(CORRECTIONS, location="query")
@api.response(200, CorrectionOut(many=True))
def corrections(arguments: dict[str, Any]) -> Response:
    """What was asked of a second person, newest first. Filters: bill, payment, proposed_by, decided_by, status, and the days
    on which it was asked."""
    columns = {
        "bill": Correction.bill_id,
        "payment": Correction.payment_id,
        "status": Correction.status,
        "proposed_by": Correction.proposed_by_id,
        "decided_by": Correction.decided_by_id,
    }
    query = select(Correction, Correction.id, Bill.patient_id).join(Bill, Bill.id == Correction.bill_id)
    query = filter_by_columns(query, arguments, on=Correction.created_at, **columns)
    query = ordered(query, arguments, Correction.id)
    return read_log.list_response(query, lambda row: correction_json(row.Correction), seen_in_list, entity="correction")


@api.get("/corrections/<int:correction_id>/")
@requires(Permission.PROPOSE_CORRECTION)
@api.response(200, CorrectionOut)
def correction(correction_id: int) -> Response:
    """One request for approval."""
    one = get_or_not_found(Correction, correction_id)
    patient_id = get_or_not_found(Bill, one.bill_id).patient_id
    read_log.record_read("billing.read_bill", patient_id, entity="correction", entity_id=correction_id)
    return resource_response(correction_json(one), 1)


@api.post("/corrections/")
@requires(Permission.PROPOSE_CORRECTION)
@api.arguments(CorrectionIn)
@api.response(201, CorrectionOut)
def propose(payload: dict[str, Any]) -> Response:
    """Ask for a refund, a void bill, a write-off or a discount; another person decides."""
    return resource_response(correction_json(_ASKS[CorrectionKind(payload["kind"])](payload)), 1, 201)


def _refund(payload: dict[str, Any]) -> Correction:
    way, payment_id = payload["method"] or None, _record(Payment, payload, "payment")
    if payload["bill"] not in (None, get_or_not_found(Payment, payment_id).bill_id):
        raise RuleBroken(N_("The payment belongs to another bill. Choose a payment of this bill."), "bill")
    return actions.propose_refund(
        payment_id, amount=payload["amount"], method=way, reason=payload["reason"], by=current_person()
    )


def _void(payload: dict[str, Any]) -> Correction:
    return actions.propose_void(_record(Bill, payload, "bill"), reason=payload["reason"], by=current_person())


def _write_off(payload: dict[str, Any]) -> Correction:
    bill_id = _record(Bill, payload, "bill")
    return actions.propose_write_off(bill_id, amount=payload["amount"], reason=payload["reason"], by=current_person())


def _discount(payload: dict[str, Any]) -> Correction:
    typed = payload["discount"] or str(payload["amount"] or "")
    bill_id = _record(Bill, payload, "bill")
    return actions.propose_discount(bill_id, discount=typed, reason=payload["reason"], by=current_person())


_ASKS: dict[CorrectionKind, Callable[[dict[str, Any]], Correction]] = {
    CorrectionKind.REFUND: _refund,
    CorrectionKind.VOID: _void,
    CorrectionKind.WRITE_OFF: _write_off,
    CorrectionKind.DISCOUNT: _discount,
}


def _record(model: type[Bill] | type[Payment], payload: dict[str, Any], field: str) -> int:
    if payload[field] is None or db.session.get(model, payload[field]) is None:
        raise RuleBroken(N_("Enter one that exists."), field)
    return payload[field]


@api.post("/corrections/<int:correction_id>/approve/")
@requires(Permission.APPROVE_CORRECTION)
@api.arguments(ApproveIn)
@api.response(200, CorrectionOut)
def approve(payload: dict[str, Any], correction_id: int) -> Response:
    """Say yes to what another person asked, with a proof of who says it; it is done at once."""
    get_or_not_found(Correction, correction_id)
    reauthenticate(payload["proof"], by=current_person())
    return resource_response(correction_json(actions.approve(correction_id, by=current_person())), 1)


@api.post("/corrections/<int:correction_id>/decline/")
@requires(Permission.APPROVE_CORRECTION)
@api.arguments(DeclineIn)
@api.response(200, CorrectionOut)
def decline(payload: dict[str, Any], correction_id: int) -> Response:
    """Say no, with a reason."""
    return resource_response(
        correction_json(actions.decline(correction_id, reason=payload["reason"], by=current_person())), 1
    )


@api.delete("/corrections/<int:correction_id>/")
@requires(Permission.PROPOSE_CORRECTION)
@api.response(204)
def take_back(correction_id: int) -> tuple[str, int]:
    """Take back what one asked oneself."""
    actions.take_back(correction_id, by=current_person())
    return "", 204


def request_withdrawal(
    kind: CorrectionKind, bill_id: int, payment_id: int | None, ask: Callable[[], Correction]
) -> Response:
    """The answer to a DELETE that takes two persons: 202 with the request for approval, which `ask` makes.

    While a request waits, whoever made it, the answer is that request: a DELETE never approves one.
    """
    waiting = queries.waiting_for(kind.value, bill_id, payment_id)
    if waiting is None:
        waiting = _ask_once(kind, bill_id, payment_id, ask)
    return resource_response(correction_json(waiting), 1, 202)


def _ask_once(kind: CorrectionKind, bill_id: int, payment_id: int | None, ask: Callable[[], Correction]) -> Correction:
    try:
        return or_conflict(ask)
    except Conflict as conflict:
        # The same request may have been made since it was looked for.
        waiting = queries.waiting_for(kind.value, bill_id, payment_id) if conflict.code == "asked_already" else None
        if waiting is None:
            raise
        return waiting
