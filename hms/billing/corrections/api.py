"""JSON: correction requests and their approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import select

from hms.billing import exports
from hms.billing.api_responses import list_read_entry, run_or_conflict
from hms.billing.blueprints import api
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, Correction, Payment
from hms.core.api import read_log
from hms.core.api.blueprint import ApiSchema
from hms.core.api.preconditions import resource_response
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.fields import Amount, Pk, Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Flag, Id, Ordering, filter_by_columns, ordered, parameters
from hms.staff.sign_in.reauthentication import reauthenticate

from . import actions, credits, queries


class CorrectionIn(ApiSchema):
    """A request: a refund names its `payment`, the other kinds their `bill`. Without `amount` it is for all that is left. A
    discount has an amount or a percentage in `discount`. A write-off may name the `line` of the bill that is credited, with the
    `quantity` of its units instead of an amount. A refund with `is_credit` also ends the debt: the patient does not have to pay
    the amount again."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in CorrectionKind]))
    bill = Pk(load_default=None, allow_none=True)
    payment = Pk(load_default=None, allow_none=True)
    amount = Amount(load_default=None, allow_none=True)
    line = Pk(load_default=None, allow_none=True)
    quantity = fields.Integer(load_default=None, allow_none=True, strict=True)
    discount = Text(20, load_default="")
    method = Text(30, load_default="")
    is_credit = fields.Boolean(load_default=False)
    reason = Text(200, required=True)


class DeclineIn(ApiSchema):
    reason = Text(200, required=True)


class ApproveIn(ApiSchema):
    """`proof` is the person's password, or the present code of their second factor."""

    proof = Text(1024, required=True, blank=False)


class WithdrawIn(ApiSchema):
    """The body of a DELETE; it may be left out."""

    reason = Text(200, load_default="")


class CreditedLineOut(ApiSchema):
    """What a write-off credits of one line of its bill."""

    line = fields.Integer()
    description = fields.String()
    quantity = fields.Integer()
    amount = fields.String()


class CorrectionOut(ApiSchema):
    id = fields.Integer()
    kind = fields.String()
    status = fields.String()
    bill = fields.Integer()
    payment = fields.Integer(allow_none=True)
    amount = fields.String(allow_none=True)
    method = fields.String(allow_none=True)
    is_credit = fields.Boolean()
    reason = fields.String()
    proposed_by = fields.Integer()
    created_at = fields.DateTime()
    decided_by = fields.Integer(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)
    note = fields.String()
    lines = fields.List(fields.Nested(CreditedLineOut))


def correction_json(correction: Correction, lines: list[queries.CreditedLine] | None = None) -> dict[str, Any]:
    """A request; the `lines` that it credits are fetched when they are not given."""
    if lines is None:
        lines = queries.list_credited(correction.id)
    return {
        "id": correction.id,
        "kind": correction.kind,
        "status": correction.status,
        "bill": correction.bill_id,
        "payment": correction.payment_id,
        "amount": correction.amount,
        "method": correction.method,
        "is_credit": correction.is_credit,
        "reason": correction.reason,
        "proposed_by": correction.proposed_by_id,
        "created_at": correction.created_at,
        "decided_by": correction.decided_by_id,
        "decided_at": correction.decided_at,
        "note": correction.decision_note,
        "lines": [vars(line) for line in lines],
    }


CORRECTIONS = parameters(
    **PAGING,
    **DAYS,
    bill=Id(),
    payment=Id(),
    patient=Id(),
    proposed_by=Id(),
    decided_by=Id(),
    kind=Choice(CorrectionKind),
    status=Choice(CorrectionStatus),
    is_decided=Flag(),
    ordering=Ordering(("id", "created_at", "decided_at", "amount")),
)


@api.get("/corrections/")
@requires(Permission.PROPOSE_CORRECTION)
@api.arguments(CORRECTIONS, location="query")
@api.response(200, CorrectionOut(many=True))
def corrections(arguments: dict[str, Any]) -> Response:
    """Requests for approval, newest first. Filters: bill, payment, patient, proposed_by, decided_by, kind, status,
    is_decided, and date, date_from, date_to (days of the request)."""
    columns = {
        "bill": Correction.bill_id,
        "payment": Correction.payment_id,
        "status": Correction.status,
        "proposed_by": Correction.proposed_by_id,
        "decided_by": Correction.decided_by_id,
        "kind": Correction.kind,
        "is_decided": Correction.status.in_((CorrectionStatus.APPROVED, CorrectionStatus.DECLINED)),
        "patient": Bill.patient_id,
    }
    query = select(Correction, Correction.id, Bill.patient_id, queries.credited()).join(
        Bill, Bill.id == Correction.bill_id
    )
    query = filter_by_columns(query, arguments, on=Correction.created_at, **columns)
    sortable = {name: getattr(Correction, name) for name in ("created_at", "decided_at", "amount")}
    query = ordered(query, arguments, Correction.id, **sortable)
    return read_log.list_response(
        query,
        lambda row: correction_json(row.Correction, queries.read_credited(row.credited)),
        list_read_entry,
        entity="correction",
    )


offer_export(api, corrections, exports.CORRECTIONS, at="/corrections/export/", permission=Permission.EXPORT_BILLS)


@api.get("/corrections/<int:correction_id>/")
@requires(Permission.PROPOSE_CORRECTION)
@api.response(200, CorrectionOut)
def correction(correction_id: int) -> Response:
    """One request for approval."""
    row = get_or_not_found(Correction, correction_id)
    patient_id = get_or_not_found(Bill, row.bill_id).patient_id
    read_log.record_read("billing.read_bill", patient_id, entity="correction", entity_id=correction_id)
    return resource_response(correction_json(row), 1)


@api.post("/corrections/")
@requires(Permission.PROPOSE_CORRECTION)
@api.arguments(CorrectionIn)
@api.response(201, CorrectionOut)
def propose(payload: dict[str, Any]) -> Response:
    """Request a refund, a void, a write-off or a discount; another person approves or declines."""
    kind = CorrectionKind(payload["kind"])
    if kind is not CorrectionKind.WRITE_OFF and (payload["line"], payload["quantity"]) != (None, None):
        raise RuleBroken(N_("Only a write-off credits a line of the bill."), "line")
    return resource_response(correction_json(_REQUESTS[kind](payload)), 1, 201)


def _request_refund(payload: dict[str, Any]) -> Correction:
    method, payment_id = payload["method"] or None, _existing_id(Payment, payload, "payment")
    if payload["bill"] not in (None, get_or_not_found(Payment, payment_id).bill_id):
        raise RuleBroken(N_("The payment belongs to another bill. Choose a payment of this bill."), "bill")
    return actions.request_refund(
        payment_id,
        amount=payload["amount"],
        method=method,
        reason=payload["reason"],
        is_credit=payload["is_credit"],
        by=current_person(),
    )


def _request_void(payload: dict[str, Any]) -> Correction:
    return actions.request_void(_existing_id(Bill, payload, "bill"), reason=payload["reason"], by=current_person())


def _request_write_off(payload: dict[str, Any]) -> Correction:
    bill_id = _existing_id(Bill, payload, "bill")
    if payload["line"] is not None:
        return _request_credit(bill_id, payload)
    if payload["quantity"] is not None:
        raise RuleBroken(N_("Enter the line of the bill that is credited."), "line")
    return actions.request_write_off(bill_id, amount=payload["amount"], reason=payload["reason"], by=current_person())


def _request_credit(bill_id: int, payload: dict[str, Any]) -> Correction:
    if payload["amount"] is not None:
        raise RuleBroken(N_("The amount of a credit follows from its quantity. Leave the amount out."), "amount")
    if payload["quantity"] is None:
        raise RuleBroken(N_("Enter the quantity to credit."), "quantity")
    return credits.request_credit(
        bill_id, payload["line"], quantity=payload["quantity"], reason=payload["reason"], by=current_person()
    )


def _request_discount(payload: dict[str, Any]) -> Correction:
    typed = payload["discount"] or str(payload["amount"] or "")
    bill_id = _existing_id(Bill, payload, "bill")
    return actions.request_discount(bill_id, discount=typed, reason=payload["reason"], by=current_person())


_REQUESTS: dict[CorrectionKind, Callable[[dict[str, Any]], Correction]] = {
    CorrectionKind.REFUND: _request_refund,
    CorrectionKind.VOID: _request_void,
    CorrectionKind.WRITE_OFF: _request_write_off,
    CorrectionKind.DISCOUNT: _request_discount,
}


def _existing_id(model: type[Bill] | type[Payment], payload: dict[str, Any], field: str) -> int:
    if payload[field] is None or db.session.get(model, payload[field]) is None:
        message = N_("Enter the id of a bill.") if model is Bill else N_("Enter the id of a payment.")
        raise RuleBroken(message, field)
    return payload[field]


@api.post("/corrections/<int:correction_id>/approve/")
@requires(Permission.APPROVE_CORRECTION)
@api.arguments(ApproveIn)
@api.response(200, CorrectionOut)
def approve(payload: dict[str, Any], correction_id: int) -> Response:
    """Approve another person's request with `proof`; it takes effect at once."""
    get_or_not_found(Correction, correction_id)
    reauthenticate(payload["proof"], by=current_person())
    return resource_response(correction_json(actions.approve(correction_id, by=current_person())), 1)


@api.post("/corrections/<int:correction_id>/decline/")
@requires(Permission.APPROVE_CORRECTION)
@api.arguments(DeclineIn)
@api.response(200, CorrectionOut)
def decline(payload: dict[str, Any], correction_id: int) -> Response:
    """Decline another person's request, with a reason."""
    return resource_response(
        correction_json(actions.decline(correction_id, reason=payload["reason"], by=current_person())), 1
    )


@api.delete("/corrections/<int:correction_id>/", endpoint="take_back")
@requires(Permission.PROPOSE_CORRECTION)
@api.response(204)
def withdraw(correction_id: int) -> tuple[str, int]:
    """Withdraw one's own request."""
    actions.withdraw_request(correction_id, by=current_person())
    return "", 204


def request_instead_of_delete(
    kind: CorrectionKind, bill_id: int, payment_id: int | None, send: Callable[[], Correction]
) -> Response:
    """Answer a DELETE that needs approval: 202 with the request, which `send` creates.

    While such a request waits, also one of another person, the answer is that request. A DELETE never approves a request.
    """
    waiting = queries.find_waiting(kind.value, bill_id, payment_id)
    if waiting is None:
        waiting = _request_once(kind, bill_id, payment_id, send)
    return resource_response(correction_json(waiting), 1, 202)


def _request_once(
    kind: CorrectionKind, bill_id: int, payment_id: int | None, send: Callable[[], Correction]
) -> Correction:
    try:
        return run_or_conflict(send)
    except Conflict as conflict:
        # Another transaction may have created the same request since it was looked up.
        waiting = queries.find_waiting(kind.value, bill_id, payment_id) if conflict.code == "asked_already" else None
        if waiting is None:
            raise
        return waiting
