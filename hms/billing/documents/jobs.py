"""Papers made by the worker."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from hms.billing.bills import frozen_facts
from hms.billing.models import Bill, PrintedDocument
from hms.core import clock
from hms.core.background.outbox import job
from hms.core.db.session import db, get_or_not_found
from hms.core.documents.pdf import render_pdf
from hms.core.events import Event, publish
from hms.core.money import Money

from . import invoice


@job(frozen_facts.INVOICE)
def print_invoice(bill_id: int) -> None:
    """Make the A4 invoice of the bill as it stands, once per edition, and tell the open pages."""
    bill = get_or_not_found(Bill, bill_id)
    edition = invoice.invoice_version(bill)
    shown = invoice.invoice(bill)
    content = render_pdf("billing/invoice.pdf.html", **shown)
    row = {"kind": "invoice", "ref_id": bill.id, "edition": edition, "made_at": clock.now(), "content": content}
    row |= {"facts": _facts(shown), "digest": sha256(content).hexdigest()}
    db.session.execute(insert(PrintedDocument).values(row).on_conflict_do_nothing())
    publish(Event.DOCUMENT_READY)


def _facts(shown: dict[str, Any]) -> dict[str, Any]:
    """What the invoice says, kept beside it so that `prove` can compare it with the books."""
    bill, payments = shown["bill"], shown["payments"]
    return {
        "number": bill.number,
        "hospital_number": shown["facts"]["patient"]["hospital_number"],
        "total": str(bill.total.value),
        "payments": len(payments),
        "paid": str(Money.total(paid.amount for paid in payments).value),
    }
