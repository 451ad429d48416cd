"""Jobs that create documents."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from hms.billing.bills import frozen_facts
from hms.billing.models import Bill, PrintedDocument
from hms.core import clock
from hms.core.background.outbox import job
from hms.core.db.session import db, get_or_not_found
from hms.core.events import Event, publish
from hms.core.money import Money
from hms.core.settings.decimal_sign import decimal_sign
from hms.core.text import numbers

from . import invoice, invoice_paper, queries


@job(frozen_facts.INVOICE)
def print_invoice(bill_id: int) -> None:
    """Create the A4 invoice of the bill as it is now, once per edition, and publish it to open pages."""
    bill = get_or_not_found(Bill, bill_id)
    edition = invoice.invoice_version(bill)
    if queries.is_printed(bill.id, edition):
        return
    values = invoice.invoice_content(bill)
    with numbers.with_decimal_sign(decimal_sign()):
        content = invoice_paper.render_invoice(frozen_facts.lines_for_documents(bill.id), values)
    row = {"kind": "invoice", "ref_id": bill.id, "edition": edition, "made_at": clock.now(), "content": content}
    row |= {"facts": _facts(values), "digest": sha256(content).hexdigest()}
    db.session.execute(insert(PrintedDocument).values(row).on_conflict_do_nothing())
    publish(Event.DOCUMENT_READY)


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    """The facts on the invoice, stored beside it so that `prove` can compare them with the bill."""
    bill, payments = values["bill"], values["payments"]
    return {
        "number": bill.number,
        "hospital_number": values["facts"]["patient"]["hospital_number"],
        "total": str(bill.total.value),
        "payments": len(payments),
        "paid": str(Money.total(paid.amount for paid in payments).value),
    }
