"""What the papers of a bill show: invoice and receipt. An issued bill is shown from its frozen facts, whatever changed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno
from flask import current_app
from sqlalchemy import func, select

from hms.core import clock, settings
from hms.core.db import db, found
from hms.core.format import spoken_name
from hms.core.money import ZERO, Money
from hms.patients.models import Patient
from hms.staff.models import User

from .documents import in_words
from .models import Bill, BillLine, Payment
from .rules import BillState, balance

INVOICE = "billing.invoice"
SHORTEST_LAST_PAGE = 2
"""Lines that stay with the totals when an invoice runs over the page."""


def as_it_stands(bill: Bill, clerk: str) -> dict[str, Any]:
    """What the paper says of hospital, patient and clerk on this day."""
    patient = found(Patient, bill.patient_id)
    return {
        "hospital": {name: settings.value(f"hospital.{name}") for name in ("name", "address", "phone", "tax_number")},
        "patient": {
            "spoken_name": spoken_name(patient.family_name, patient.given_names, patient.title),
            "family_name": patient.family_name,
            "given_name": patient.given_names,
            "hospital_number": patient.hospital_number,
            "address": patient.address,
        },
        "issued_by": clerk,
    }


def edition(bill: Bill) -> str:
    """Names the paper of the bill as it stands now: another payment, a refund or a void makes another paper."""
    if bill.status == BillState.DRAFT:
        return f"draft-{bill.version}"
    count = db.session.execute(select(func.count(Payment.id)).where(Payment.bill_id == bill.id)).scalar_one()
    return f"{bill.status}-{count}"


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


def standing_lines(bill_id: int) -> list[BillLine]:
    """The lines of a bill that were not withdrawn, in the order they came."""
    return list(
        db.session.scalars(select(BillLine).filter_by(bill_id=bill_id, withdrawn_at=None).order_by(BillLine.id))
    )


def invoice(bill: Bill) -> dict[str, Any]:
    """All that `billing/invoice.pdf.html` shows of the bill."""
    lines, currency = standing_lines(bill.id), current_app.config["CURRENCY"]
    clerk = db.session.get(User, bill.issued_by_id) if bill.issued_by_id else None
    facts = bill.frozen or as_it_stands(bill, clerk.display_name if clerk else "")
    split = max(len(lines) - SHORTEST_LAST_PAGE, 0)
    return {
        "bill": bill,
        "number": bill.number or f"Draft {bill.id}",
        "facts": facts,
        "lines": lines[:split],
        "last_lines": lines[split:],
        "subtotal": bill.total + bill.discount,
        "payments": paid_rows(bill.id),
        "balance": ZERO if bill.status == BillState.VOID else balance(bill.total, bill.paid),
        "words": in_words(bill.total, currency) if settings.value("billing.amount_in_words") else "",
        "instructions": settings.value("billing.payment_instructions"),
        "logo": settings.value("hospital.logo"),
        "code": segno.make(bill.number, error="m").svg_data_uri(border=0) if bill.number else "",
        "printed_at": clock.now(),
        "currency": currency,
    }
