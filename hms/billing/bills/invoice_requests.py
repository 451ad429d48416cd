"""Requests the invoice of a bill; a job creates it."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, func, select

from hms.billing.models import BillLine
from hms.core.background.outbox import RECORD_ID, enqueue

from .frozen_facts import INVOICE

MAX_SHORT_LINES = 100
"""An invoice of more lines is long work: other papers do not wait for it."""


def request_invoice(bill_id: int) -> None:
    """Enqueue the invoice of the bill as it is now. A second request while the first waits adds no second job."""
    enqueue(INVOICE, bill_id, is_long=_has_many_lines())


@cache
def _has_many_lines() -> ColumnElement[bool]:
    lines = select(func.count(BillLine.id) > MAX_SHORT_LINES)
    return lines.where(BillLine.bill_id == RECORD_ID, BillLine.withdrawn_at.is_(None)).scalar_subquery()
