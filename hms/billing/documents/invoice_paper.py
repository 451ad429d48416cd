"""Renders the A4 invoice."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask import current_app

from hms.billing.bills.rules import amounts_due
from hms.billing.document_numbers import amount_in_words
from hms.billing.enums import SELF, BillState
from hms.billing.models import Bill
from hms.core import clock
from hms.core.documents.parts import render_in_parts
from hms.core.documents.pdf import sample_paper
from hms.core.money import ZERO, Money

from .invoice import PaidRow, number_code


def render_invoice(lines: Sequence[Any], values: dict[str, Any]) -> bytes:
    """The PDF of an invoice with these lines; `values` as `invoice_content` returns them."""
    return render_in_parts("billing/invoice.pdf.html", "billing/invoice_numbers.pdf.html", lines, **values)


@sample_paper
def render_sample() -> bytes:
    """The invoice of a made-up bill."""
    amount = Money("150.00")
    line = SimpleNamespace(description="Consultation", quantity=1, unit_price=amount, amount=amount)
    return render_invoice([line], sample_values())


def sample_values() -> dict[str, Any]:
    """The values of the invoice of a made-up bill that is in no database."""
    now, total, paid, currency = clock.now(), Money("150.00"), Money("50.00"), current_app.config["CURRENCY"]
    bill = Bill(number="B-2000-000001", status=BillState.PART_PAID, payer=SELF, created_at=now, issued_at=now)
    bill.total, bill.paid, bill.discount, bill.written_off, bill.payer_share = total, paid, ZERO, ZERO, ZERO
    patient = {"spoken_name": "Sample", "hospital_number": "HMS-000000-0", "address": "Sample"}
    hospital = {"name": "Sample", "address": "Sample", "phone": "0", "tax_number": "0"}
    return {
        "bill": bill,
        "number": bill.number,
        "facts": {"hospital": hospital, "patient": patient, "issued_by": "Sample"},
        "diagnoses": "",
        "subtotal": total,
        "payments": [PaidRow("R-2000-000001", now, "Cash", "", paid)],
        "balance": total - paid,
        "dues": amounts_due(total, paid, ZERO, ZERO, ZERO),
        "words": amount_in_words(total, currency),
        "instructions": "",
        "logo": "",
        "code": number_code(bill.number),
        "printed_at": now,
        "copy": 0,
        "currency": currency,
    }
