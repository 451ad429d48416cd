"""What the papers of a bill show: invoice and receipt. An issued bill is shown from its frozen facts, whatever changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import segno
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, Select, bindparam, func, select

from hms.core import clock, settings
from hms.core.db import db
from hms.core.format import money, person_name, spoken_name, stamp
from hms.core.money import ZERO, Money
from hms.core.people import Person
from hms.patients.models import Patient
from hms.patients.reader import Reader, ReaderKind, reader_kind, reader_values
from hms.staff.models import User

from . import line_descriptions, receipt
from .documents import in_words
from .models import Bill, BillLine, Correction, Payment
from .payments import METHOD_WORDS, Method
from .rules import SELF, BillState, balance, dues

INVOICE = "billing.invoice"
SHORTEST_LAST_PAGE = 2
"""Lines that stay with the totals when an invoice runs over the page."""


NAMED = (
    Patient.family_name,
    Patient.given_names.label("given_name"),
    Patient.title,
    Patient.hospital_number,
    Patient.address,
)
"""The columns with which a paper says whose it is."""


def as_it_stands(patient: Any, clerk: str) -> dict[str, Any]:
    """What the paper says of hospital, patient (a row with the columns `NAMED`) and clerk on this day."""
    return {
        "hospital": {name: settings.value(f"hospital.{name}") for name in ("name", "address", "phone", "tax_number")},
        "patient": {
            "spoken_name": spoken_name(patient.family_name, patient.given_name, patient.title),
            "family_name": patient.family_name,
            "given_name": patient.given_name,
            "hospital_number": patient.hospital_number,
            "address": patient.address,
        },
        "issued_by": clerk,
    }


def _facts(bill: Bill, clerk: str) -> dict[str, Any]:
    """What the papers of a bill say: what was frozen when it was issued, or of a draft what is so now."""
    return bill.frozen or as_it_stands(db.session.execute(_named(), {"patient_id": bill.patient_id}).one(), clerk)


@cache
def _named() -> Select:
    patient_id = bindparam("patient_id")
    return select(*NAMED).where(Patient.id == patient_id)


def edition(bill: Bill) -> str:
    """Names the paper of the bill as it stands now: a payment, a refund, a write-off or a void makes another paper, and so
    does the restriction of the record, which changes the words of its lines."""
    beside = db.session.execute(_beside(), {"bill_id": bill.id}).one()
    closed = "-restricted" if beside.is_restricted else ""
    if bill.status == BillState.DRAFT:
        return f"draft-{bill.version}{closed}"
    parts = f"-{bill.written_off}-{bill.payer_share}" if bill.written_off or bill.payer_share else ""
    return f"{bill.status}-{beside.payments}{parts}{closed}"


@cache
def _beside() -> Select:
    bill_id = bindparam("bill_id")
    payments = select(func.count(Payment.id)).where(Payment.bill_id == bill_id).scalar_subquery().label("payments")
    return select(payments, Patient.is_restricted).join(Bill, Bill.patient_id == Patient.id).where(Bill.id == bill_id)


@dataclass(frozen=True)
class PaidRow:
    """A payment or refund as papers list it; a refund's `amount` is below zero."""

    number: str
    received_at: datetime
    method: str
    reference: str
    amount: Money


def paid_rows(bill_id: int) -> list[PaidRow]:
    """Every payment and refund of a bill, oldest first."""
    rows = db.session.scalars(select(Payment).filter_by(bill_id=bill_id).order_by(Payment.id))
    return [PaidRow(p.number, p.received_at, p.method, p.reference, signed(p)) for p in rows]


def signed(payment: Payment) -> Money:
    return -payment.amount if payment.kind == "refund" else payment.amount


def standing_lines(bill_id: int, who: Person | None = None) -> list[Row]:
    """The lines of a bill that were not withdrawn, in the order they came and in the words that `who` may read; without
    one in those of papers."""
    if who is None:
        return db.session.execute(_lines_of_paper(), {"bill_id": bill_id}).all()
    return db.session.execute(_lines_for(kind=reader_kind(who)), {"bill_id": bill_id} | reader_values(who)).all()


@cache
def _lines_for(*, kind: ReaderKind) -> Select:
    bill_id = bindparam("bill_id")
    who = kind.reader()
    return _standing_lines(bill_id, who)


@cache
def _lines_of_paper() -> Select:
    bill_id = bindparam("bill_id")
    return _standing_lines(bill_id, None)


def _standing_lines(bill_id: Any, who: Reader | None) -> Select:
    line = BillLine.__table__.c
    columns = (
        line[name] for name in ("id", "quantity", "unit_price", "amount", "source", "price_item_id", "created_at")
    )
    query = select(*columns, line_descriptions.description(who).label("description")).join(
        Bill, Bill.id == line.bill_id
    )
    return query.where(line.bill_id == bill_id, line.withdrawn_at.is_(None)).order_by(line.id)


def invoice(bill: Bill) -> dict[str, Any]:
    """All that `billing/invoice.pdf.html` shows of the bill."""
    lines, currency = standing_lines(bill.id), current_app.config["CURRENCY"]
    clerk = db.session.get(User, bill.issued_by_id) if bill.issued_by_id else None
    facts = _facts(bill, clerk.display_name if clerk else "")
    split = max(len(lines) - SHORTEST_LAST_PAGE, 0)
    return {
        "bill": bill,
        "number": bill.number or _("Draft %(id)s", id=bill.id),
        "facts": facts,
        "lines": lines[:split],
        "last_lines": lines[split:],
        "subtotal": bill.total + bill.discount,
        "payments": paid_rows(bill.id),
        "balance": ZERO if bill.status == BillState.VOID else balance(bill.total, bill.paid, bill.written_off),
        "dues": dues(bill.total, bill.paid, bill.written_off, bill.payer_share, bill.payer_paid),
        "words": in_words(bill.total, currency) if settings.value("billing.amount_in_words") else "",
        "instructions": settings.value("billing.payment_instructions"),
        "logo": settings.value("hospital.logo"),
        "code": segno.make(bill.number, error="m").svg_data_uri(border=0) if bill.number else "",
        "printed_at": clock.now(),
        "currency": currency,
    }


def slip(payment: Payment, bill: Bill, copy: int = 0) -> receipt.Slip:
    """The receipt of a payment, as things stood when it was taken: a reprint says the same."""
    facts = _facts(bill, "")
    clerk = db.session.get(User, payment.received_by_id) if payment.received_by_id else None
    hospital, patient = facts["hospital"], facts["patient"]
    sold = (
        receipt.Sold(line.description, line.quantity, _plain(line.unit_price), _plain(line.amount))
        for line in standing_lines(bill.id)
    )
    return receipt.Slip(
        hospital=(hospital["name"].upper(), hospital["address"], hospital["phone"]),
        title=" ".join((_("Refund") if payment.kind == "refund" else _("Receipt"), payment.number)),
        when=stamp(payment.received_at),
        clerk=clerk.display_name if clerk else "",
        patient=person_name(patient["family_name"], patient["given_name"]),
        hospital_number=patient["hospital_number"],
        bill=" ".join((_("Bill"), bill.number)),
        sold=tuple(sold),
        sums=tuple(_sums(payment, bill)),
        foot=settings.value("billing.receipt_footer"),
        copy=copy,
    )


def _sums(payment: Payment, bill: Bill) -> Iterator[tuple[str, str]]:
    earlier = select(Payment).where(Payment.bill_id == bill.id, Payment.id < payment.id)
    before = Money.total(signed(p) for p in db.session.scalars(earlier))
    if bill.discount:
        yield _("Discount"), _plain(-bill.discount)
    yield _("TOTAL %(currency)s", currency=current_app.config["CURRENCY"]), _plain(bill.total)
    given_up = _written_off_before(payment)
    if given_up:
        yield _("Written off"), _plain(-given_up)
    if before:
        yield _("Paid before"), _plain(before)
    if payment.kind == "refund":
        yield _("Given back (%(method)s)", method=METHOD_WORDS[Method(payment.method)]), _plain(payment.amount)
    else:
        yield str(METHOD_WORDS[Method(payment.method)]), _plain(payment.tendered or payment.amount)
    if payment.payer != SELF:
        yield _("Paid by"), payment.payer
    if payment.reference:
        yield _("Reference"), payment.reference
    if payment.tendered is not None:
        yield _("Change"), _plain(payment.tendered - payment.amount)
    yield _("BALANCE"), _plain(balance(bill.total, before + signed(payment), given_up))


def _written_off_before(payment: Payment) -> Money:
    agreed = select(func.sum(Correction.amount)).filter_by(bill_id=payment.bill_id, kind="write_off", status="approved")
    return db.session.execute(agreed.where(Correction.decided_at <= payment.received_at)).scalar_one() or ZERO


def _plain(amount: Money) -> str:
    return money(amount, current_app.config["CURRENCY"], code=False)


def roll() -> receipt.Paper:
    """The paper in the cashiers' printers."""
    return receipt.PAPERS.get(settings.value("billing.receipt_paper"), receipt.PAPERS["80"])
