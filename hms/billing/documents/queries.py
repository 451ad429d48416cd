"""Stored documents: the status of a bill's invoice, and how often a receipt was printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Select, bindparam, func, select

from hms.billing.bills import frozen_facts
from hms.billing.models import Bill, PrintedCopy, PrintedDocument
from hms.core.background import outbox
from hms.core.db.session import db

from . import invoice as document_invoice


@dataclass
class InvoiceStatus:
    """The status of a bill's A4 invoice: "ready" (`size` in bytes), "waiting" (`since`), "failed" or "none"."""

    state: str
    size: int = 0
    since: datetime | None = None


def invoice_status(bill: Bill) -> InvoiceStatus:
    """The status of the invoice for the bill as it is now."""
    size = db.session.execute(
        _document(is_size=True), {"bill_id": bill.id, "edition": document_invoice.invoice_version(bill)}
    ).scalar_one_or_none()
    if size is not None:
        return InvoiceStatus("ready", size)
    row = db.session.execute(_newest_job(), {"kind": frozen_facts.INVOICE, "ref_id": bill.id}).scalar_one_or_none()
    if row is None or row.done_at:
        return InvoiceStatus("none")
    return InvoiceStatus("failed") if row.dead_at else InvoiceStatus("waiting", since=row.created_at)


def is_printed(bill_id: int, edition: str) -> bool:
    """Whether this edition of the invoice of a bill is stored."""
    return db.session.execute(_document(is_size=True), {"bill_id": bill_id, "edition": edition}).first() is not None


def invoice_pdf(bill: Bill) -> bytes | None:
    """The stored invoice for the bill as it is now; None when it is not created yet."""
    return db.session.execute(
        _document(is_size=False), {"bill_id": bill.id, "edition": document_invoice.invoice_version(bill)}
    ).scalar_one_or_none()


@cache
def _document(*, is_size: bool) -> Select:
    bill_id, edition = bindparam("bill_id"), bindparam("edition")
    content = PrintedDocument.content
    return select(func.length(content) if is_size else content).where(
        PrintedDocument.kind == "invoice", PrintedDocument.ref_id == bill_id, PrintedDocument.edition == edition
    )


@cache
def _newest_job() -> Select:
    kind, ref_id = bindparam("kind"), bindparam("ref_id")
    job = outbox.Outbox
    return select(job).where(job.kind == kind, job.ref_id == ref_id).order_by(job.id.desc()).limit(1)


def count_copies(kind: str, ref_id: int) -> int:
    """How often a document was printed."""
    query = select(PrintedCopy.copies).where(PrintedCopy.kind == kind, PrintedCopy.ref_id == ref_id)
    return db.session.execute(query).scalar_one_or_none() or 0
