"""Reads for the API: rows with their parts in one statement each, and their filters."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Text, bindparam, cast, false, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from hms.billing.models import Bill, BillLine, Payment, PriceItem
from hms.core.db.fixed_words import fixed_word
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, get_reader, reader_kind, reader_values
from hms.patients.models import Patient

from . import line_descriptions, queries

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
    """The active lines of a bill as JSON. Amounts are text, so that they never become floats."""
    line = BillLine.__table__
    item = func.jsonb_build_object(
        *("id", line.c.id, "description", line_descriptions.description(who), "amount", cast(line.c.unit_price, Text)),
        *("quantity", line.c.quantity, "bill", line.c.bill_id, "service", line_descriptions.price_item_id(who)),
    )
    items = select(func.coalesce(func.jsonb_agg(aggregate_order_by(item, line.c.id)), func.jsonb_build_array()))
    return items.where(line.c.bill_id == Bill.id, line.c.withdrawn_at.is_(None)).scalar_subquery().label("items")


def _payments() -> Any:
    paid = Payment.__table__
    ids = func.coalesce(func.array_agg(aggregate_order_by(paid.c.id, paid.c.id)), array([], type_=BigInteger))
    return (
        select(ids)
        .where(paid.c.bill_id == Bill.id, paid.c.kind == fixed_word("payment"))
        .scalar_subquery()
        .label("payments")
    )


def may_see_withdrawn(who: Person) -> bool:
    """Whether `who` may see void bills and refunded payments."""
    return who.may(Permission.WITHDRAW_BILL)


def select_bills(*, kind: ReaderKind, is_whole: bool, with_void: bool, state: str = "all") -> Select:
    """The bills that this kind of reader may see: with lines and amounts with `is_whole`, else only the patient and the status;
    those of one tab of the page with `state`.

    Execute it with `reader_values`.
    """
    return _bills(kind.reader(), is_whole=is_whole, with_void=with_void).where(*queries.state_conditions(state))


def bill(bill_id: int, who: Person) -> Row | None:
    """One bill as in `select_bills`; None when it does not exist or `who` may not see it."""
    result = db.session.execute(
        _bill(kind=reader_kind(who), is_whole=may_read_whole(who), with_void=may_see_withdrawn(who)),
        {"bill_id": bill_id} | reader_values(who),
    )
    return result.one_or_none()


def patient_names(patient_id: int, who: Person) -> Row:
    """The names of the patient of a bill; raises `NotFound` where `who` may not see bills of this patient."""
    values = {"patient_id": patient_id} | reader_values(who)
    row = db.session.execute(_patient_names(kind=reader_kind(who)), values).one_or_none()
    if row is None:
        raise NotFound(N_("This bill does not exist."))
    return row


@cache
def _patient_names(*, kind: ReaderKind) -> Select:
    query = select(Patient.given_names, Patient.family_name).where(Patient.id == bindparam("patient_id"))
    return query.where(*policy.own_rows(kind.reader(), Patient.id))


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
        query = select(*columns, *names, _items(who), _payments())
        # Every bill has a patient. An outer join is left out by PostgreSQL where only the number of bills is needed.
        query = query.outerjoin(Patient, Patient.id == Bill.patient_id)
    query = query.where(*policy.own_rows(who, Bill.patient_id))
    return query if with_void else query.where(Bill.status != fixed_word("void"))


def may_read_whole(who: Person) -> bool:
    """Whether `who` may read the lines and amounts of bills. A patient sees only their own bills."""
    return who.may(Permission.READ_BILL) or who.is_patient


def may_edit(bill_id: int, who: Person) -> bool:
    """Whether `who` may replace the lines of this bill: people who read revenue may change any, others only a bill whose lines
    they added themselves."""
    if who.may(Permission.READ_REVENUE):
        return True
    lines_of_others = select(BillLine.id).where(
        BillLine.bill_id == Bill.id, BillLine.added_by_id.is_distinct_from(who.id)
    )
    own = select(Bill.id).where(Bill.id == bill_id, Bill.collects.is_(False), ~lines_of_others.exists())
    return db.session.execute(own).first() is not None


def payments(who: Person) -> Select:
    """The payments that `who` may see: all with the permission to read revenue, a patient's own, else those `who` took.

    Refunds, and payments that were refunded in full, are shown only to people who may void bills.
    """
    return _select_payments(get_reader(who), **payment_kind(who))


def payment_kind(who: Person) -> dict[str, bool]:
    """What the list of payments of `who` depends on, besides the kind of reader."""
    return {"of_everybody": who.may(Permission.READ_REVENUE), "with_withdrawn": may_see_withdrawn(who)}


def select_payments(*, kind: ReaderKind, of_everybody: bool, with_withdrawn: bool, is_shown: bool) -> Select:
    """`payments` for a kept statement, which is executed with `reader_values`; none without `is_shown`."""
    rows = _select_payments(kind.reader(), of_everybody=of_everybody, with_withdrawn=with_withdrawn)
    return rows if is_shown else rows.where(false())


def _select_payments(who: Reader, *, of_everybody: bool, with_withdrawn: bool) -> Select:
    patient_id = select(Bill.patient_id).where(Bill.id == Payment.bill_id).scalar_subquery().label("patient_id")
    query = select(*(Payment.__table__.c[name] for name in _PAYMENT), patient_id)
    if who.is_patient:
        query = query.where(Payment.bill_id.in_(select(Bill.id).where(*policy.own_rows(who, Bill.patient_id))))
    elif not of_everybody:
        query = query.where(Payment.received_by_id == who.at.reader_id)
    if with_withdrawn:
        return query
    refund = Payment.__table__.alias("refund")
    refunded = select(func.coalesce(func.sum(refund.c.amount), 0)).where(refund.c.refunds_id == Payment.id)
    return query.where(Payment.kind == "payment", Payment.amount > refunded.scalar_subquery())


def items(who: Person) -> Select:
    """Active lines of bills, with the descriptions that `who` may read."""
    description = line_descriptions.description(get_reader(who)).label("description")
    by_reader = (description, line_descriptions.price_item_id(get_reader(who)).label("price_item_id"), Bill.patient_id)
    query = select(*(BillLine.__table__.c[name] for name in _LINE), *by_reader).join(Bill, Bill.id == BillLine.bill_id)
    return query.where(BillLine.withdrawn_at.is_(None))


def services(*, with_inactive: bool = False) -> Select:
    """Active items of the price list, or all of them."""
    query = select(*PriceItem.__table__.c)
    return query if with_inactive else query.where(PriceItem.is_active)
