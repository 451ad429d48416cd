"""Papers made by the worker."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from hms.core import clock
from hms.core.alerts import Alert, alert
from hms.core.db import db, found
from hms.core.outbox import job
from hms.core.pdf import render

from . import papers
from .models import Bill, PrintedDocument


@job(papers.INVOICE)
def print_invoice(bill_id: int) -> None:
    """Make the A4 invoice of the bill as it stands, once per edition, and tell the open pages."""
    bill = found(Bill, bill_id)
    edition = papers.edition(bill)
    content = render("billing/invoice.pdf.html", **papers.invoice(bill))
    row = {"kind": "invoice", "ref_id": bill.id, "edition": edition, "made_at": clock.now(), "content": content}
    db.session.execute(insert(PrintedDocument).values(row).on_conflict_do_nothing())
    alert(Alert.DOCUMENT_READY)
