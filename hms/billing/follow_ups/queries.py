"""The paid consultation that makes a follow-up visit free."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Select, bindparam, func, or_, select

from hms.billing.bills.queries import PATIENT_OWES
from hms.billing.enums import BillState
from hms.billing.models import Bill, BillLine, Payment
from hms.core import clock
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.settings import store as settings


class FreeWindow(NamedTuple):
    """A consultation that was paid: the day of its payment, until when follow-ups are free, and how many still are."""

    line_id: int
    paid_on: date
    until: date
    left: int


def find_free_window(patient_id: int) -> FreeWindow | None:
    """The patient's last paid consultation whose window is open today and has a free visit left; None without one, and when the
    hospital gives no free follow-ups.

    A consultation counts as paid when the patient owes nothing on its bill; its day is that of the last payment.
    """
    days, visits = settings.value("billing.follow_up_days"), settings.value("billing.follow_up_visits")
    if not days:
        return None
    since = clock.day_bounds(clock.today() - timedelta(days=days))[0]
    rows = db.session.execute(_paid_consultations(), {"patient_id": patient_id, "since": since, "visits": visits})
    row = rows.first()
    if row is None:
        return None
    paid_on = clock.local(row.paid_at).date()
    return FreeWindow(row.id, paid_on, paid_on + timedelta(days=days), visits - row.used)


def lock_free_window(patient_id: int) -> FreeWindow | None:
    """`find_free_window`, whose consultation stays locked until the action ends, so that the last free visit is given once."""
    window = find_free_window(patient_id)
    if window is None:
        return None
    get_for_update(BillLine, window.line_id)
    return find_free_window(patient_id)


def _paid_consultations() -> Select:
    free = BillLine.__table__.alias("free")
    used = (
        select(func.count())
        .where(free.c.free_of_line_id == BillLine.id, free.c.withdrawn_at.is_(None))
        .correlate(BillLine)
        .scalar_subquery()
    )
    last_payment = (
        select(func.max(Payment.received_at))
        .where(Payment.bill_id == Bill.id, Payment.kind == "payment")
        .correlate(Bill)
        .scalar_subquery()
    )
    paid_at = func.coalesce(last_payment, Bill.issued_at)
    return (
        select(BillLine.id, paid_at.label("paid_at"), used.label("used"))
        .join(Bill, Bill.id == BillLine.bill_id)
        .where(
            Bill.patient_id == bindparam("patient_id"),
            Bill.status.in_((BillState.ISSUED.value, BillState.PART_PAID.value, BillState.PAID.value)),
            BillLine.source == "encounter",
            BillLine.withdrawn_at.is_(None),
            BillLine.amount > 0,
            PATIENT_OWES <= 0,
            or_(Bill.paid > 0, Bill.payer_share > 0),
            paid_at >= bindparam("since"),
            used < bindparam("visits"),
        )
        .order_by(paid_at.desc(), BillLine.id.desc())
        .limit(1)
    )


def is_free_follow_up(encounter_id: int) -> bool:
    """Whether the visit was charged as a free follow-up."""
    query = select(BillLine.id).where(
        BillLine.source == "encounter",
        BillLine.source_id == encounter_id,
        BillLine.free_of_line_id.is_not(None),
        BillLine.withdrawn_at.is_(None),
    )
    return db.session.scalars(query.limit(1)).first() is not None
