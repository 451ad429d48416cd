"""Payments with their bills, and what is left of each to refund."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, func, select

from hms.billing.models import Bill, Payment
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.money import ZERO, Money
from hms.core.text.translation import N_
from hms.patients.models import Patient


def payment_with_bill(payment_id: int) -> tuple[Payment, Bill, Patient]:
    """A payment or refund with its bill and patient; raises `NotFound`."""
    joined = select(Payment, Bill, Patient).join(Bill, Bill.id == Payment.bill_id)
    row = db.session.execute(
        joined.join(Patient, Patient.id == Bill.patient_id).where(Payment.id == payment_id)
    ).one_or_none()
    if row is None:
        raise NotFound(N_("This payment does not exist."))
    return row[0], row[1], row[2]


def left_to_refund(payment: Payment) -> Money:
    """The part of a payment that is not refunded yet."""
    earlier = select(func.sum(Payment.amount)).where(Payment.refunds_id == payment.id)
    return payment.amount - (db.session.execute(earlier).scalar_one() or ZERO)


def payments_of(bill_id: int) -> list[Payment]:
    return list(db.session.execute(_payments_of(), {"bill_id": bill_id}).scalars())


@cache
def _payments_of() -> Select:
    bill_id = bindparam("bill_id")
    return select(Payment).where(Payment.bill_id == bill_id).order_by(Payment.id)
