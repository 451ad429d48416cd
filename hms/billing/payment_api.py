"""JSON: payments and refunds."""

from __future__ import annotations

from typing import Any

from flask import Response

from hms.core import read_log
from hms.core.api import check_if_match, listed, single
from hms.core.db import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.parameters import DAYS, PAGING, Id, Ordering, Words, narrowed, ordered, parameters
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.core.words import _

from . import actions, shapes, wire
from .correction_api import CorrectionOut, WithdrawIn, request_withdrawal
from .corrections import Kind
from .desk import api
from .models import Bill, Payment
from .payments import method
from .requests import NO_REASON, seen_in_list

PAYMENTS = parameters(
    **PAGING,
    **DAYS,
    bill=Id(),
    received_by=Id(),
    method=Words(50),
    ordering=Ordering(("id", "payment_date", "amount")),
)


@api.get("/bills/<int:bill_id>/payments/")
@needs(Action.READ_PAYMENTS)
@api.arguments(parameters(**PAGING), location="query")
@api.response(200, shapes.PaymentOut(many=True))
def bill_payments(_arguments: dict[str, Any], bill_id: int) -> Response:
    """The payments of one bill."""
    bill = db.session.get(Bill, bill_id)
    if bill is None:
        raise NotFound(_("There is no such bill."))
    read_log.note("billing.read_bill", bill.patient_id, entity="bill", entity_id=bill_id)
    query = wire.payments(person()).where(Payment.bill_id == bill_id).order_by(Payment.id)
    return listed(query, shapes.payment_json)


@api.post("/bills/<int:bill_id>/payments/")
@needs(Action.TAKE_PAYMENT)
@api.arguments(shapes.BillPaymentIn)
@api.response(200, shapes.PaymentOut)
def pay_bill(given: dict[str, Any], bill_id: int) -> Response:
    """Take a payment on this bill. A draft is issued first."""
    if given.get("bill", bill_id) != bill_id:
        raise RuleBroken(_("The address names another bill."), "bill")
    return _pay(given | {"bill": bill_id}, 200)


@api.get("/payments/")
@needs(Action.READ_BILL_STATUS, Action.READ_OWN_RECORD)
@api.arguments(PAYMENTS, location="query")
@api.response(200, shapes.PaymentOut(many=True))
def payments(arguments: dict[str, Any]) -> Response:
    """Payments, newest first: all, those one took, or none, by role. Filters: bill, received_by, method, date, date_from,
    date_to."""
    query = wire.payments(person())
    if not (person().may(Action.READ_PAYMENTS) or person().is_patient):
        query = query.where(Payment.id.is_(None))
    if arguments.get("method"):
        query = query.where(Payment.method == method(arguments["method"]).value)
    columns = {"bill": Payment.bill_id, "received_by": Payment.received_by_id}
    query = narrowed(query, arguments, on=Payment.received_at, **columns)
    query = ordered(query, arguments, Payment.id, payment_date=Payment.received_at, amount=Payment.amount)
    return read_log.listed(query, shapes.payment_json, seen_in_list, entity="payment")


def _payment(payment_id: int, *, is_read: bool = True) -> dict[str, Any]:
    row = db.session.execute(wire.payments(person()).where(Payment.id == payment_id)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such payment."))
    if is_read:
        read_log.note("billing.read_payment", row.patient_id, entity="payment", entity_id=payment_id)
    return shapes.payment_json(row)


@api.get("/payments/<int:payment_id>/")
@needs(Action.READ_PAYMENTS, Action.READ_OWN_RECORD)
@api.response(200, shapes.PaymentOut)
def payment(payment_id: int) -> Response:
    """One payment."""
    return single(_payment(payment_id), 1)


@api.post("/payments/")
@needs(Action.TAKE_PAYMENT)
@api.arguments(shapes.PaymentIn)
@api.response(201, shapes.PaymentOut)
def take_payment(given: dict[str, Any]) -> Response:
    """Take a payment, never more than is owed. A draft is issued first."""
    return _pay(given, 201)


def _pay(given: dict[str, Any], status: int) -> Response:
    """Programs of the first API send no reference; the slip's number is wanted on the page only."""
    how = (given["amount"], given["method"], given["reference"], given["tendered"])
    more = {"payer": given["payer"] or None, "needs_reference": False, "by": person()}
    try:
        taken = actions.take_payment(given["bill"], *how, **more)
    except NotFound as missing:
        raise RuleBroken(_("There is no such bill."), "bill") from missing
    return single(shapes.payment_json(taken), 1, status)


@api.put("/payments/<int:payment_id>/")
@needs(Action.WITHDRAW_BILL)
@api.arguments(shapes.PaymentChange)
@api.response(200, shapes.PaymentOut)
def change_payment(given: dict[str, Any], payment_id: int) -> Response:
    """A payment is permanent: what it already says is accepted, anything else is 409. A mistake is answered by a refund."""
    body = _payment(payment_id)
    check_if_match(1, lambda: body)
    if "method" in given:
        given["method"] = method(given["method"]).value
    if any(body[name] != value for name, value in given.items()):
        raise Conflict(_("A payment is final. Delete it to give the money back, then take it anew."), code="permanent")
    return single(body, 1)


@api.delete("/payments/<int:payment_id>/")
@needs(Action.WITHDRAW_BILL)
@api.arguments(WithdrawIn, required=False)
@api.response(202, CorrectionOut)
def refund_payment(given: dict[str, Any], payment_id: int) -> Response:
    """Ask that all that is left of a payment be given back: 202 with the request, which another person approves.

    The payment and the refund stay in the books. While the request waits, a repeated DELETE answers it again.
    """
    bill_id = _payment(payment_id, is_read=False)["bill"]
    why = {"reason": given["reason"] or NO_REASON, "by": person()}
    return request_withdrawal(Kind.REFUND, bill_id, payment_id, lambda: actions.propose_refund(payment_id, **why))
