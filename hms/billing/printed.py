"""Papers that are kept: how the invoice of a bill comes along, and how often a receipt was handed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from hms.core import outbox
from hms.core.db import db

from . import papers
from .models import Bill, PrintedCopy, PrintedDocument


@dataclass
class Invoice:
    """How the A4 invoice of a bill stands: "ready" (with its size in bytes), "waiting", "failed" or "none"."""

    state: str
    size: int = 0
    since: datetime | None = None


def invoice(bill: Bill) -> Invoice:
    """How the paper of the bill as it stands now comes along."""
    size = db.session.execute(_document(bill.id, papers.edition(bill), is_size=True)).scalar_one_or_none()
    if size is not None:
        return Invoice("ready", size)
    row = db.session.execute(_newest_work(papers.INVOICE, bill.id)).scalar_one_or_none()
    if row is None or row.done_at:
        return Invoice("none")
    return Invoice("failed") if row.dead_at else Invoice("waiting", since=row.created_at)


def invoice_pdf(bill: Bill) -> bytes | None:
    """The stored invoice of the bill as it stands now."""
    return db.session.execute(_document(bill.id, papers.edition(bill), is_size=False)).scalar_one_or_none()


def _document(bill_id: Any, edition: Any, *, is_size: bool) -> Select:
    content = PrintedDocument.content
    return select(func.length(content) if is_size else content).where(
        PrintedDocument.kind == "invoice", PrintedDocument.ref_id == bill_id, PrintedDocument.edition == edition
    )


def _newest_work(kind: Any, ref_id: Any) -> Select:
    work = outbox.Outbox
    return select(work).where(work.kind == kind, work.ref_id == ref_id).order_by(work.id.desc()).limit(1)


def copies(kind: str, ref_id: int) -> int:
    """How often a paper was handed out."""
    row = select(PrintedCopy.copies).where(PrintedCopy.kind == kind, PrintedCopy.ref_id == ref_id)
    return db.session.execute(row).scalar_one_or_none() or 0
