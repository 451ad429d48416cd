"""JSON: payments and refunds."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import select

from hms.billing import exports, schemas
from hms.billing.api_responses import NO_REASON, list_read_entry
from hms.billing.bills import api_queries
from hms.billing.blueprints import api
from hms.billing.corrections import actions as correction_actions
from hms.billing.corrections.api import CorrectionOut, WithdrawIn, request_instead_of_delete
from hms.billing.enums import CorrectionKind, parse_method
from hms.billing.models import Bill, Payment
from hms.core.api import read_log
from hms.core.api.kept_lists import KeptList
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import check_if_match, resource_response
from hms.core.db.keyset import OrderedSelect
from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Id, Ordering, TextLine, parameters
from hms.patients.access.reader import reader_kind, reader_values

from . import actions

OF_BILL: dict[str, Any] = {
    **PAGING,
    **DAYS,
    "received_by": Id(),
    "method": TextLine(50),
    "ordering": Ordering(("id", "payment_date", "amount")),
}
PAYMENTS = parameters(**OF_BILL, bill=Id(), patient=Id())


@api.get("/bills/<int:bill_id>/payments/")
@requires(Permission.READ_PAYMENTS)
@api.arguments(parameters(**OF_BILL), location="query")
@api.response(200, schemas.PaymentOut(many=True))
def bill_payments(arguments: dict[str, Any], bill_id: int) -> Response:
    """The payments of one bill, oldest first."""
    bill = db.session.get(Bill, bill_id)
    if bill is None:
        raise NotFound(N_("This bill does not exist."))
    read_log.record_read("billing.read_bill", bill.patient_id, entity="bill", entity_id=bill_id)
    rows = _list_payments({"ordering": "id"} | arguments | {"bill": bill_id}, is_shown=True)
    return paginated_response(rows, schemas.payment_json)


PAYMENT_LIST = KeptList(
    api_queries.select_payments,
    Payment.id,
    filters={
        "bill": Payment.bill_id,
        "patient": lambda patient_id: Payment.bill_id.in_(select(Bill.id).where(Bill.patient_id == patient_id)),
        "received_by": Payment.received_by_id,
        "method": Payment.method,
    },
    days={"payment_date": Payment.received_at},
    orders={"payment_date": Payment.received_at, "amount": Payment.amount},
)


def _list_payments(arguments: dict[str, Any], *, is_shown: bool) -> OrderedSelect:
    who = current_person()
    if "method" in arguments:
        arguments = arguments | {"method": parse_method(arguments["method"]).value}
    kind = {"kind": reader_kind(who), "is_shown": is_shown, **api_queries.payment_kind(who)}
    return PAYMENT_LIST.rows(arguments, reader_values(who), on="payment_date", **kind)


@api.post("/bills/<int:bill_id>/payments/")
@requires(Permission.TAKE_PAYMENT)
@api.arguments(schemas.BillPaymentIn)
@api.response(200, schemas.PaymentOut)
def pay_bill(payload: dict[str, Any], bill_id: int) -> Response:
    """Take a payment on this bill. A draft is issued first."""
    if payload.get("bill", bill_id) != bill_id:
        raise RuleBroken(N_("The address is of another bill. Leave this field out."), "bill")
    return _pay(payload | {"bill": bill_id}, 200)


@api.get("/payments/")
@requires(Permission.READ_BILL_STATUS, Permission.READ_OWN_RECORD)
@api.arguments(PAYMENTS, location="query")
@api.response(200, schemas.PaymentOut(many=True))
def payments(arguments: dict[str, Any]) -> Response:
    """Payments, newest first. Depending on the role: all, those the person took, their own, or none. Filters: bill,
    patient, received_by, method, date, date_from, date_to."""
    rows = _list_payments(
        arguments, is_shown=current_person().may(Permission.READ_PAYMENTS) or current_person().is_patient
    )
    return read_log.list_response(rows, schemas.payment_json, list_read_entry, entity="payment")


offer_export(api, payments, exports.PAYMENTS, at="/payments/export/", permission=Permission.EXPORT_BILLS)


def _payment(payment_id: int, *, is_read: bool = True) -> dict[str, Any]:
    row = db.session.execute(api_queries.payments(current_person()).where(Payment.id == payment_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This payment does not exist."))
    if is_read:
        read_log.record_read("billing.read_payment", row.patient_id, entity="payment", entity_id=payment_id)
    return schemas.payment_json(row)


@api.get("/payments/<int:payment_id>/")
@requires(Permission.READ_PAYMENTS, Permission.READ_OWN_RECORD)
@api.response(200, schemas.PaymentOut)
def payment(payment_id: int) -> Response:
    """One payment."""
    return resource_response(_payment(payment_id), 1)


@api.post("/payments/")
@requires(Permission.TAKE_PAYMENT)
@api.arguments(schemas.PaymentIn)
@api.response(201, schemas.PaymentOut)
def take_payment(payload: dict[str, Any]) -> Response:
    """Take a payment of at most the amount left to pay. A draft is issued first."""
    return _pay(payload, 201)


def _pay(payload: dict[str, Any], status: int) -> Response:
    """A reference is required on the page only: programs of the first API send none."""
    arguments = (payload["amount"], payload["method"], payload["reference"], payload["tendered"])
    options = {"payer": payload["payer"] or None, "needs_reference": False, "by": current_person()}
    try:
        payment = actions.take_payment(payload["bill"], *arguments, **options)
    except NotFound as missing:
        raise RuleBroken(N_("This bill does not exist."), "bill") from missing
    return resource_response(schemas.payment_json(payment), 1, status)


@api.put("/payments/<int:payment_id>/")
@requires(Permission.WITHDRAW_BILL)
@api.arguments(schemas.PaymentChange)
@api.response(200, schemas.PaymentOut)
def change_payment(payload: dict[str, Any], payment_id: int) -> Response:
    """A payment cannot be changed: its own values are accepted, others are 409. Correct a mistake with a refund."""
    body = _payment(payment_id)
    check_if_match(1, lambda: body)
    if "method" in payload:
        payload["method"] = parse_method(payload["method"]).value
    if any(body[name] != value for name, value in payload.items()):
        raise Conflict(N_("A payment cannot be changed. Refund it, then take a new payment."), code="permanent")
    return resource_response(body, 1)


@api.delete("/payments/<int:payment_id>/")
@requires(Permission.WITHDRAW_BILL)
@api.arguments(WithdrawIn, required=False)
@api.response(202, CorrectionOut)
def refund_payment(payload: dict[str, Any], payment_id: int) -> Response:
    """Request the refund of all that is left of a payment: 202 with the request, which another person approves.

    The payment and the refund stay on record. While the request waits, a repeated DELETE returns the same request.
    """
    bill_id = _payment(payment_id, is_read=False)["bill"]
    arguments = {"reason": payload["reason"] or NO_REASON, "by": current_person()}
    return request_instead_of_delete(
        CorrectionKind.REFUND, bill_id, payment_id, lambda: correction_actions.request_refund(payment_id, **arguments)
    )
