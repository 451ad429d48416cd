"""The open till of a cashier, and closed ones."""

from __future__ import annotations

from sqlalchemy import select

from hms.billing.models import CashShift
from hms.core.db.session import db


def open_shift(cashier_id: int | None) -> CashShift | None:
    """The cashier's open till, not locked; None when it is closed."""
    return db.session.scalars(select(CashShift).filter_by(cashier_id=cashier_id, closed_at=None)).one_or_none()


def closed_shifts(cashier_id: int | None, *, limit: int = 10) -> list[CashShift]:
    """The last closings of a cashier, newest first; of everybody when `cashier_id` is None."""
    rows = select(CashShift).where(CashShift.closed_at.is_not(None)).order_by(CashShift.closed_at.desc()).limit(limit)
    return list(db.session.scalars(rows.where(CashShift.cashier_id == cashier_id) if cashier_id else rows))
