"""What the cashier reads: prices, bills, payments, what a patient owes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from hms.core.db import db
from hms.core.money import ZERO, Money
from hms.core.text import like

from .models import Bill, BillLine, Payment, PriceItem
from .payments import Method

UNSETTLED = ("draft", "issued", "part_paid")


def price_item(code: str) -> PriceItem | None:
    """The active item of that code, whatever the case of its letters."""
    wanted = select(PriceItem).where(func.upper(PriceItem.code) == code.strip().upper(), PriceItem.is_active)
    return db.session.scalars(wanted).one_or_none()


def price(code: str) -> Money | None:
    """The price of one unit; None when the price list has no such code."""
    item = price_item(code)
    return item.unit_price if item else None


def price_items(text: str, *, limit: int = 10) -> list[PriceItem]:
    """Active items whose code or name holds every word of `text`, those whose code begins with it first."""
    words = [PriceItem.search_text.like(func.hms_fold(f"%{like(word)}%")) for word in text.split()]
    starts = PriceItem.search_text.like(func.hms_fold(f"{like(text.strip())}%"))
    rows = select(PriceItem).where(PriceItem.is_active, *words).order_by(starts.desc(), PriceItem.name).limit(limit)
    return list(db.session.scalars(rows))


def subtotal(bill_id: int) -> Money:
    """What the standing lines of a bill add up to, before any discount."""
    lines = select(func.sum(BillLine.amount)).where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))
    return db.session.execute(lines).scalar_one() or ZERO


def owed(patient_id: int) -> Money:
    """All that a patient has still to pay: issued bills less payments, and the charges of drafts."""
    bills = select(func.sum(Bill.total - Bill.paid)).where(Bill.patient_id == patient_id, Bill.status.in_(UNSETTLED))
    return db.session.execute(bills).scalar_one() or ZERO


def owed_by(patient_ids: Iterable[int]) -> dict[int, Money]:
    """What each patient has still to pay, zero when all is paid; a patient without any bill is left out."""
    bills = select(Bill.patient_id, func.sum(Bill.total - Bill.paid)).where(Bill.status != "void")
    wanted = bills.where(Bill.patient_id.in_(sorted(set(patient_ids)))).group_by(Bill.patient_id)
    return dict(db.session.execute(wanted).tuples())


def takings(shift_id: int) -> list[tuple[Method, Money]]:
    """What went through a till, by way to pay; refunds are below zero."""
    rows = select(Payment.method, Payment.kind, func.sum(Payment.amount)).where(Payment.shift_id == shift_id)
    grouped = db.session.execute(rows.group_by(Payment.method, Payment.kind))
    return [(Method(method), -amount if kind == "refund" else amount) for method, kind, amount in grouped]
