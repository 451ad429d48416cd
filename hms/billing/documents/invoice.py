"""The content of an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import segno
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Select, bindparam, column, func, select, table

from hms.billing.bills.frozen_facts import document_facts
from hms.billing.bills.rules import amounts_due, balance
from hms.billing.document_numbers import amount_in_words
from hms.billing.enums import BillState
from hms.billing.models import Bill, Payment, PrintedCopy
from hms.core import clock
from hms.core.db.session import db
from hms.core.money import ZERO, Money
from hms.core.settings import store as settings
from hms.patients.models import Patient
from hms.staff.models import User

# This desk may not import the clinical one, so the needed columns of its tables are declared here.
_ENCOUNTER = table("encounter", column("id"), column("patient_id"), column("status"))
_CONDITION = table("condition", column("id"), column("encounter_id"), column("code"), column("rank"), column("status"))


def invoice_version(bill: Bill) -> str:
    """Names the edition of the invoice for the bill as it is now. A payment, a refund, a write-off or a void makes another
    edition, and so do the restriction of the record, which changes the descriptions of the lines, and diagnosis codes. Each
    reprint is an edition of its own, because it says which copy it is."""
    row = db.session.execute(_edition_facts(), {"bill_id": bill.id}).one()
    restricted = "-restricted" if row.is_restricted else "-codes" if diagnosis_codes(bill) else ""
    if bill.status == BillState.DRAFT:
        return f"draft-{bill.version}{restricted}"
    parts = f"-{bill.written_off}-{bill.payer_share}" if bill.written_off or bill.payer_share else ""
    parts += f"-copy{row.copies}" if row.copies else ""
    return f"{bill.status}-{row.payments}{parts}{restricted}"


@cache
def _edition_facts() -> Select:
    bill_id = bindparam("bill_id")
    payments = select(func.count(Payment.id)).where(Payment.bill_id == bill_id).scalar_subquery().label("payments")
    copies = select(PrintedCopy.copies).where(PrintedCopy.kind == "invoice", PrintedCopy.ref_id == bill_id)
    copies = copies.scalar_subquery().label("copies")
    return (
        select(payments, copies, Patient.is_restricted)
        .join(Bill, Bill.patient_id == Patient.id)
        .where(Bill.id == bill_id)
    )


def copies_of_invoice(bill_id: int) -> int:
    """How often the invoice of a bill was reprinted."""
    return db.session.execute(_edition_facts(), {"bill_id": bill_id}).one().copies or 0


def diagnosis_codes(bill: Bill) -> list[str]:
    """The codes of the signed encounter of the bill, the primary one first, when the hospital prints them on invoices; never
    those of a restricted record."""
    if bill.encounter_id is None or not settings.value("clinical.show_diagnosis_on_bill"):
        return []
    return list(db.session.scalars(_codes(), {"encounter_id": bill.encounter_id}))


@cache
def _codes() -> Select:
    query = select(_CONDITION.c.code).join(_ENCOUNTER, _ENCOUNTER.c.id == _CONDITION.c.encounter_id)
    query = query.join(Patient, Patient.id == _ENCOUNTER.c.patient_id)
    return query.where(
        _ENCOUNTER.c.id == bindparam("encounter_id"),
        _ENCOUNTER.c.status == "signed",
        _CONDITION.c.status == "final",
        _CONDITION.c.code != "",
        ~Patient.is_restricted,
    ).order_by(_CONDITION.c.rank, _CONDITION.c.id)


@dataclass(frozen=True)
class PaidRow:
    """A payment or refund as the invoice lists it; the `amount` of a refund is below zero."""

    number: str
    received_at: datetime
    method: str
    reference: str
    amount: Money


def paid_rows(bill_id: int) -> list[PaidRow]:
    """Every payment and refund of a bill, oldest first."""
    rows = db.session.scalars(select(Payment).filter_by(bill_id=bill_id).order_by(Payment.id))
    return [PaidRow(p.number, p.received_at, p.method, p.reference, signed_amount(p)) for p in rows]


def signed_amount(payment: Payment) -> Money:
    """The amount, below zero for a refund."""
    return -payment.amount if payment.kind == "refund" else payment.amount


def invoice_content(bill: Bill) -> dict[str, Any]:
    """The values of `billing/invoice.pdf.html`, without the lines of the bill."""
    currency = current_app.config["CURRENCY"]
    clerk = db.session.get(User, bill.issued_by_id) if bill.issued_by_id else None
    facts = document_facts(bill, clerk.display_name if clerk else "")
    return {
        "bill": bill,
        "number": bill.number or _("Draft %(id)s", id=bill.id),
        "facts": facts,
        "diagnoses": ", ".join(diagnosis_codes(bill)),
        "subtotal": bill.total + bill.discount,
        "payments": paid_rows(bill.id),
        "balance": ZERO if bill.status == BillState.VOID else balance(bill.total, bill.paid, bill.written_off),
        "dues": amounts_due(bill.total, bill.paid, bill.written_off, bill.payer_share, bill.payer_paid),
        "words": amount_in_words(bill.total, currency) if settings.value("billing.amount_in_words") else "",
        "instructions": settings.value("billing.payment_instructions"),
        "logo": settings.value("hospital.logo"),
        "code": number_code(bill.number),
        "printed_at": clock.now(),
        "copy": copies_of_invoice(bill.id),
        "currency": currency,
    }


def number_code(number: str | None) -> str:
    """The QR code of a bill's number as a `data:` address; empty without a number."""
    return segno.make(number, error="m").svg_data_uri(border=0) if number else ""
