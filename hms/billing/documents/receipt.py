"""The content of a receipt or credit note."""

from __future__ import annotations

from collections.abc import Iterator

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select

from hms.billing.bills.frozen_facts import active_lines, document_facts
from hms.billing.bills.rules import balance
from hms.billing.enums import METHOD_LABELS, SELF, Method
from hms.billing.models import Bill, Correction, Payment
from hms.core.db.session import db
from hms.core.money import ZERO, Money
from hms.core.settings import store as settings
from hms.core.text.formatting import format_datetime, money, person_name
from hms.staff.models import User

from . import receipt_layout
from .invoice import signed_amount


def receipt_content(payment: Payment, bill: Bill, copy: int = 0) -> receipt_layout.Slip:
    """The receipt of a payment or refund with the amounts of its time, so that a reprint is the same. `copy` is the number of
    the reprint, 0 for the original."""
    facts = document_facts(bill, "")
    clerk = db.session.get(User, payment.received_by_id) if payment.received_by_id else None
    hospital, patient = facts["hospital"], facts["patient"]
    lines = (
        receipt_layout.ReceiptLine(line.description, line.quantity, _number(line.unit_price), _number(line.amount))
        for line in active_lines(bill.id)
    )
    return receipt_layout.Slip(
        hospital=(hospital["name"].upper(), hospital["address"], hospital["phone"]),
        title=" ".join((_("Refund") if payment.kind == "refund" else _("Receipt"), payment.number)),
        when=format_datetime(payment.received_at),
        clerk=clerk.display_name if clerk else "",
        patient=person_name(patient["family_name"], patient["given_name"]),
        hospital_number=patient["hospital_number"],
        bill=" ".join((_("Bill"), bill.number)),
        lines=tuple(lines),
        sums=tuple(_sums(payment, bill)),
        foot=settings.value("billing.receipt_footer"),
        copy=copy,
    )


def _sums(payment: Payment, bill: Bill) -> Iterator[tuple[str, str]]:
    earlier = select(Payment).where(Payment.bill_id == bill.id, Payment.id < payment.id)
    before = Money.total(signed_amount(p) for p in db.session.scalars(earlier))
    if bill.discount:
        yield _("Discount"), _number(-bill.discount)
    yield _("TOTAL %(currency)s", currency=current_app.config["CURRENCY"]), _number(bill.total)
    written_off = _written_off_before(payment)
    if written_off:
        yield _("Written off"), _number(-written_off)
    if before:
        yield _("Already paid"), _number(before)
    if payment.kind == "refund":
        yield _("Refunded (%(method)s)", method=METHOD_LABELS[Method(payment.method)]), _number(payment.amount)
    else:
        yield str(METHOD_LABELS[Method(payment.method)]), _number(payment.tendered or payment.amount)
    if payment.payer != SELF:
        yield _("Paid by"), payment.payer
    if payment.reference:
        yield _("Reference"), payment.reference
    if payment.tendered is not None:
        yield _("Change"), _number(payment.tendered - payment.amount)
    yield _("BALANCE"), _number(balance(bill.total, before + signed_amount(payment), written_off))


def _written_off_before(payment: Payment) -> Money:
    approved = select(func.sum(Correction.amount)).filter_by(
        bill_id=payment.bill_id, kind="write_off", status="approved"
    )
    return db.session.execute(approved.where(Correction.decided_at <= payment.received_at)).scalar_one() or ZERO


def _number(amount: Money) -> str:
    return money(amount, current_app.config["CURRENCY"], code=False)


def receipt_paper() -> receipt_layout.PaperRoll:
    """The paper of the receipt printers, from the setting `billing.receipt_paper`; 80 mm by default."""
    return receipt_layout.PAPER_ROLLS.get(settings.value("billing.receipt_paper"), receipt_layout.PAPER_ROLLS["80"])
