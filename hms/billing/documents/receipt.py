"""The content of a receipt or credit note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, func, select

from hms.billing.bills.frozen_facts import count_lines, document_facts, lines_for_documents
from hms.billing.bills.rules import balance
from hms.billing.enums import METHOD_LABELS, SELF, Method
from hms.billing.models import Bill, Correction, Payment
from hms.billing.write_offs import is_written_off
from hms.core.db.session import db
from hms.core.money import ZERO, Money
from hms.core.settings import store as settings
from hms.core.text.formatting import format_datetime, money, person_name
from hms.staff.models import User

from . import receipt_layout
from .invoice import signed_amount

MAX_LINES = 200
"""Lines of the bill on a receipt, less than a metre and a half of paper. The invoice has them all."""


def receipt_content(payment: Payment, bill: Bill, copy: int = 0) -> receipt_layout.Slip:
    """The receipt of a payment or refund with the amounts of its time, so that a reprint is the same. `copy` is the number of
    the reprint, 0 for the original."""
    facts, is_refund = document_facts(bill, ""), payment.kind == "refund"
    hospital, patient = facts["hospital"], facts["patient"]
    rows = [] if is_refund else lines_for_documents(bill.id, limit=MAX_LINES)
    return receipt_layout.Slip(
        hospital=(hospital["name"].upper(), hospital["address"], hospital["phone"]),
        title=" ".join((_("Refund") if is_refund else _("Receipt"), payment.number)),
        when=format_datetime(payment.received_at),
        clerk=_name_of(payment.received_by_id),
        patient=person_name(patient["family_name"], patient["given_name"]),
        hospital_number=patient["hospital_number"],
        bill=" ".join((_("Bill"), bill.number)),
        lines=tuple(_lines(rows)),
        more=_more_lines(bill, rows),
        sums=tuple((_refund_sums if is_refund else _sums)(payment, bill)),
        notes=tuple(_refund_notes(payment)) if is_refund else (),
        signature=_("Signature of the person who receives the money") if is_refund else "",
        foot=settings.value("billing.receipt_footer"),
        copy=copy,
    )


def _name_of(user_id: int | None) -> str:
    user = db.session.get(User, user_id) if user_id else None
    return user.display_name if user else ""


def _lines(rows: Iterable[Row]) -> Iterator[receipt_layout.ReceiptLine]:
    for line in rows:
        amounts = _number(line.unit_price), _number(line.amount)
        yield receipt_layout.ReceiptLine(line.description, line.quantity, *amounts)


def _more_lines(bill: Bill, rows: Sequence[Row]) -> str:
    left_out = count_lines(bill.id) - len(rows) if len(rows) == MAX_LINES else 0
    return _("%(count)s more lines: see the invoice", count=left_out) if left_out else ""


def _refund_notes(refund: Payment) -> Iterator[str]:
    """The receipt that was paid back, why, and who approved it."""
    paid = db.session.get(Payment, refund.refunds_id) if refund.refunds_id else None
    if paid is not None:
        yield _("Refund of receipt %(number)s, %(when)s", number=paid.number, when=format_datetime(paid.received_at))
    yield _("Reason: %(reason)s", reason=refund.note)
    correction = db.session.get(Correction, refund.correction_id) if refund.correction_id else None
    if correction is not None and correction.decided_by_id:
        yield _("Approved by %(name)s", name=_name_of(correction.decided_by_id))


def _refund_sums(refund: Payment, bill: Bill) -> Iterator[tuple[str, str]]:
    """What the receipt took, what was paid back of it before, and what is paid back now."""
    earlier = _paid_before(refund, bill)
    paid = [p for p in earlier if p.id == refund.refunds_id]
    back = Money.total(p.amount for p in earlier if p.refunds_id == refund.refunds_id)
    if paid:
        yield _("Paid"), _number(paid[0].amount)
    if back:
        yield _("Refunded before"), _number(-back)
    yield _("REFUNDED %(currency)s", currency=current_app.config["CURRENCY"]), _number(refund.amount)
    yield _("Paid back by"), str(METHOD_LABELS[Method(refund.method)])
    if refund.payer != SELF:
        yield _("Paid back to"), refund.payer
    yield _("Total of the bill"), _number(bill.total)
    yield _("BALANCE"), _number(_balance_after(refund, bill, earlier))


def _paid_before(payment: Payment, bill: Bill) -> list[Payment]:
    """The payments and refunds of the bill before this one, oldest first."""
    earlier = select(Payment).where(Payment.bill_id == bill.id, Payment.id < payment.id).order_by(Payment.id)
    return list(db.session.scalars(earlier))


def _balance_after(payment: Payment, bill: Bill, earlier: list[Payment]) -> Money:
    paid = Money.total(signed_amount(p) for p in (*earlier, payment))
    return balance(bill.total, paid, _written_off_before(payment))


def _sums(payment: Payment, bill: Bill) -> Iterator[tuple[str, str]]:
    earlier = _paid_before(payment, bill)
    before = Money.total(signed_amount(p) for p in earlier)
    if bill.discount:
        yield _("Discount"), _number(-bill.discount)
    yield _("TOTAL %(currency)s", currency=current_app.config["CURRENCY"]), _number(bill.total)
    written_off = _written_off_before(payment)
    if written_off:
        yield _("Written off"), _number(-written_off)
    if before:
        yield _("Already paid"), _number(before)
    yield _("PAID NOW"), _number(payment.amount)
    yield str(METHOD_LABELS[Method(payment.method)]), _number(payment.tendered or payment.amount)
    if payment.payer != SELF:
        yield _("Paid by"), payment.payer
    if payment.reference:
        yield _("Reference"), payment.reference
    if payment.tendered is not None:
        yield _("Change"), _number(payment.tendered - payment.amount)
    yield _("BALANCE"), _number(_balance_after(payment, bill, earlier))


def _written_off_before(payment: Payment) -> Money:
    approved = select(func.sum(Correction.amount)).filter_by(bill_id=payment.bill_id, status="approved")
    approved = approved.where(is_written_off())
    return db.session.execute(approved.where(Correction.decided_at <= payment.received_at)).scalar_one() or ZERO


def _number(amount: Money) -> str:
    return money(amount, current_app.config["CURRENCY"], code=False)


def receipt_paper() -> receipt_layout.PaperRoll:
    """The paper of the receipt printers, from the setting `billing.receipt_paper`; 80 mm by default."""
    return receipt_layout.PAPER_ROLLS.get(settings.value("billing.receipt_paper"), receipt_layout.PAPER_ROLLS["80"])
