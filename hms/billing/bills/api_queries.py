"""The queries behind the API: whole rows with their parts in one statement each, and their filters."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Text, and_, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.billing.models import Bill, BillLine, Payment, PriceItem
from hms.core import clock
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, get_reader, reader_kind, reader_values
from hms.patients.models import Patient

from . import line_descriptions

_BILL = (
    *("id", "patient_id", "encounter_id", "number", "status", "total", "paid", "written_off", "discount", "notes"),
    *("payer", "payer_share", "payer_paid", "version"),
)
_PAYMENT = (
    "id",
    "amount",
    "received_at",
    "method",
    "reference",
    "bill_id",
    "received_by_id",
    "number",
    "kind",
    "payer",
    "tendered",
)
_LINE = ("id", "unit_price", "quantity", "bill_id")


def _items(who: Reader) -> Any:
    """The standing lines of a bill as JSON; amounts as text, so that no float ever touches them."""
    line = BillLine.__table__
    one = func.jsonb_build_object(
        *("id", line.c.id, "description", line_descriptions.description(who), "amount", cast(line.c.unit_price, Text)),
        *("quantity", line.c.quantity, "bill", line.c.bill_id, "service", line_descriptions.service(who)),
    )
    several = select(func.coalesce(func.jsonb_agg(aggregate_order_by(one, line.c.id)), func.jsonb_build_array()))
    return several.where(line.c.bill_id == Bill.id, line.c.withdrawn_at.is_(None)).scalar_subquery().label("items")


def _payments() -> Any:
    paid = Payment.__table__
    ids = func.coalesce(func.jsonb_agg(aggregate_order_by(paid.c.id, paid.c.id)), func.jsonb_build_array())
    return select(ids).where(paid.c.bill_id == Bill.id, paid.c.kind == "payment").scalar_subquery().label("payments")


def sees_withdrawn(who: Person) -> bool:
    """Whether void bills and refunded payments are shown to `who`."""
    return who.may(Permission.WITHDRAW_BILL)


def bills(who: Person) -> Select:
    """Bills as `who` may see them: whole for the money desks and for a patient's own, else whose and whether paid."""
    return _bills(get_reader(who), is_whole=reads_whole(who), with_void=sees_withdrawn(who))


def bill(bill_id: int, who: Person) -> Row | None:
    """One of them."""
    found = db.session.execute(
        _bill(kind=reader_kind(who), is_whole=reads_whole(who), with_void=sees_withdrawn(who)),
        {"bill_id": bill_id} | reader_values(who),
    )
    return found.one_or_none()


@cache
def _bill(*, kind: ReaderKind, is_whole: bool, with_void: bool) -> Select:
    bill_id = bindparam("bill_id")
    who = kind.reader()
    return _bills(who, is_whole=is_whole, with_void=with_void).where(Bill.id == bill_id)


def _bills(who: Reader, *, is_whole: bool, with_void: bool) -> Select:
    if not is_whole:
        query = select(Bill.id, Bill.patient_id, Bill.status, Bill.version)
    else:
        columns = [Bill.__table__.c[name] for name in (*_BILL, "created_at", "issued_at")]
        names = (Patient.given_names, Patient.family_name)
        query = select(*columns, *names, _items(who), _payments()).join(Patient, Patient.id == Bill.patient_id)
    query = query.where(*policy.own_rows(who, Bill.patient_id))
    return query if with_void else query.where(Bill.status != "void")


def reads_whole(who: Person) -> bool:
    """Whether `who` sees the lines and amounts of the bills they may know of."""
    return who.may(Permission.READ_BILL) or who.is_patient


def may_edit(bill_id: int, who: Person) -> bool:
    """Whether `who` may rewrite this bill: the money desk any, the front desk those in which every line is its own."""
    if who.may(Permission.READ_REVENUE):
        return True
    another = select(BillLine.id).where(BillLine.bill_id == Bill.id, BillLine.added_by_id.is_distinct_from(who.id))
    own = select(Bill.id).where(Bill.id == bill_id, Bill.collects.is_(False), ~another.exists())
    return db.session.execute(own).first() is not None


def dated(query: Select, first: date | None, last: date | None) -> Select:
    """Bills issued, or drafts begun, from `first` to `last`, days of the hospital."""
    begun = and_(Bill.issued_at.is_(None), *_between(Bill.created_at, first, last))
    days = _between(Bill.issued_at, first, last)
    return query.where(or_(and_(*days), begun)) if days else query


def _between(column: Any, first: date | None, last: date | None) -> list[Any]:
    after = [column >= clock.day_bounds(first)[0]] if first else []
    return after + ([column < clock.day_bounds(last)[1]] if last else [])


def payments(who: Person) -> Select:
    """Payments as `who` may see them: all for those who see the hospital's takings, a patient's own, else those they took
    themselves.

    What was given back in full is shown, with the refund, to those who may void only.
    """
    whose = select(Bill.patient_id).where(Bill.id == Payment.bill_id).scalar_subquery().label("patient_id")
    query = select(*(Payment.__table__.c[name] for name in _PAYMENT), whose)
    if who.is_patient:
        query = query.where(Payment.bill_id.in_(select(Bill.id).where(*policy.own_rows(who, Bill.patient_id))))
    elif not who.may(Permission.READ_REVENUE):
        query = query.where(Payment.received_by_id == who.id)
    if sees_withdrawn(who):
        return query
    back = Payment.__table__.alias("back")
    returned = select(func.coalesce(func.sum(back.c.amount), 0)).where(back.c.refunds_id == Payment.id)
    return query.where(Payment.kind == "payment", Payment.amount > returned.scalar_subquery())


def items(who: Person) -> Select:
    """Standing lines of bills, in the words that `who` may read."""
    words = line_descriptions.description(get_reader(who)).label("description")
    named = (words, line_descriptions.service(get_reader(who)).label("price_item_id"), Bill.patient_id)
    query = select(*(BillLine.__table__.c[name] for name in _LINE), *named).join(Bill, Bill.id == BillLine.bill_id)
    return query.where(BillLine.withdrawn_at.is_(None))


def services() -> Select:
    """Active items of the price list."""
    return select(*PriceItem.__table__.c).where(PriceItem.is_active)
