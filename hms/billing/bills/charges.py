"""Charges of care on a draft bill: adding, taking back, and the draft's total."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, bindparam, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from hms.billing.models import Bill, BillLine, PriceItem
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.events import Event, publish
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.translation import N_

from . import queries, rules


@action(Permission.ADD_CHARGE, "billing.withdraw_charge")
def withdraw_charge(*, source: str, source_id: int, reason: str, by: Person) -> bool:
    """Take the charge of an event of care off its draft; the event may be charged anew.

    False when its bill was issued already: then only a refund at the cashier's gives the money back.
    """
    standing = select(BillLine).filter_by(source=source, source_id=source_id, withdrawn_at=None)
    line = db.session.scalars(standing).one_or_none()
    if line is None:
        return True
    bill = get_for_update(Bill, line.bill_id)
    if bill.status != "draft":
        return False
    line.withdrawn_at, line.withdrawn_reason = clock.now(), reason
    recalculate_total(bill)
    return True


class Listed(NamedTuple):
    """What a charge needs to know of an item of the price list."""

    id: int
    name: str
    billing_label: str
    unit_price: Money


class ChargedLine(NamedTuple):
    """A line by its id, and the bill it stands on."""

    id: int
    bill_id: int


class BillableEvent(NamedTuple):
    """Something that was done: which, how many, its item of the price list, and the words for what is not on it."""

    source_id: int
    quantity: int
    item: Listed | None
    words: str


@action(Permission.ADD_CHARGE, "billing.add_charge")
def add_charge(
    patient_id: int,
    *,
    code: str | None = None,
    price_item_id: int | None = None,
    description: str | None = None,
    quantity: int = 1,
    unit_price: Money | None = None,
    source: str,
    source_id: int,
    encounter_id: int | None = None,
    by: Person,
) -> ChargedLine:
    """Put what was done for a patient on their collecting draft, which is made when there is none.

    `source` and `source_id` name the event of care ("dispense", 17): its second charge gives back the first line. The
    price is the price list's unless `unit_price` is given. Care never waits for the price list: what has no price there
    is charged at zero for the cashier to settle.
    """
    known = db.session.execute(
        _known(),
        {
            "source": source,
            "source_id": source_id,
            "price_item_id": price_item_id,
            "code": None if price_item_id or not code else code.strip().upper(),
        },
    ).one()
    if known.id is not None:
        return ChargedLine(known.id, known.bill_id)
    item = _listed(known, price_item_id)
    line = build_line(
        item, description or code or source, quantity, unit_price if unit_price is not None or item else ZERO
    )
    added = _put(patient_id, source, [line | {"source_id": source_id}], encounter_id, by)
    if added:
        return added[0]
    # Another transaction inserted the charge while this one waited for the draft.
    theirs = db.session.execute(
        _known(), {"source": source, "source_id": source_id, "price_item_id": None, "code": None}
    ).one()
    return ChargedLine(theirs.id, theirs.bill_id)


@action(Permission.ADD_CHARGE, "billing.add_charges")
def add_charges(
    patient_id: int, source: str, events: Sequence[BillableEvent], *, encounter_id: int | None = None, by: Person
) -> None:
    """`add_charge` for several events at once that the action under way has just made: nobody has charged them yet."""
    lines = [
        build_line(one.item, one.words, one.quantity, None if one.item else ZERO) | {"source_id": one.source_id}
        for one in events
    ]
    _put(patient_id, source, lines, encounter_id, by, are_new=True)


@cache
def _known() -> Select:
    """One row: the line with which the event is charged, beside the item of the price list; None where there is none."""
    source, source_id, price_item_id, code = (
        bindparam("source"),
        bindparam("source_id"),
        bindparam("price_item_id"),
        bindparam("code"),
    )
    charged = and_(BillLine.source == source, BillLine.source_id == source_id, BillLine.withdrawn_at.is_(None))
    is_meant = or_(PriceItem.id == price_item_id, and_(func.upper(PriceItem.code) == code, PriceItem.is_active))
    item = (PriceItem.id.label("item_id"), PriceItem.name, PriceItem.billing_label, PriceItem.unit_price.label("price"))
    one = select(literal(1).label("one")).subquery()
    return select(BillLine.id, BillLine.bill_id, *item).select_from(
        one.outerjoin(BillLine, charged).outerjoin(PriceItem, is_meant)
    )


def _listed(known: Row, price_item_id: int | None) -> Listed | None:
    if known.item_id is not None:
        return Listed(known.item_id, known.name, known.billing_label, known.price)
    if price_item_id is not None:
        raise NotFound(N_("This record does not exist."))
    return None


def _put(
    patient_id: int,
    source: str,
    lines: Sequence[dict[str, Any]],
    encounter_id: int | None,
    by: Person,
    *,
    are_new: bool = False,
) -> list[ChargedLine]:
    """Add the lines to the patient's collecting draft, whose row stays locked until the action ends.

    An event that is charged already is left out: of two desks that charge it at once, the second waits for the lock.
    Events that this transaction made (`are_new`) cannot be.
    """
    check_same_patient(patient_id, encounter=encounter_id)
    bill = _collecting_draft(patient_id)
    events = {"source": source, "ids": [line["source_id"] for line in lines]}
    known = set() if are_new else set(db.session.scalars(_charged(), events))
    added = [
        BillLine(bill_id=bill.id, source=source, added_by_id=by.id, **line)
        for line in lines
        if line["source_id"] not in known
    ]
    if not added:
        return []
    bill.encounter_id = bill.encounter_id or encounter_id
    # The draft is locked, so its subtotal needs no statement of its own.
    _set_total(bill, bill.total + bill.discount + Money.total(line.amount for line in added))
    db.session.add_all(added)
    db.session.flush()
    return [ChargedLine(line.id, bill.id) for line in added]


@cache
def _charged() -> Select:
    """Which of these events are charged."""
    charged = select(BillLine.source_id).where(BillLine.source == bindparam("source"), BillLine.withdrawn_at.is_(None))
    return charged.where(BillLine.source_id.in_(bindparam("ids")))


@cache
def _draft() -> Select:
    draft = select(Bill).where(Bill.patient_id == bindparam("patient_id"), Bill.collects, Bill.status == "draft")
    return draft.with_for_update().execution_options(populate_existing=True)


def _collecting_draft(patient_id: int) -> Bill:
    """The patient's collecting draft, locked; made when there is none."""
    new = insert(Bill).values(patient_id=patient_id, collects=True)
    # Without values: PostgreSQL finds the index of a prepared statement by its text.
    new = new.on_conflict_do_nothing(index_elements=["patient_id"], index_where=text("collects AND status = 'draft'"))
    while (bill := db.session.scalars(_draft(), {"patient_id": patient_id}).one_or_none()) is None:
        db.session.execute(new)
    return bill


def build_line(item: Listed | None, description: str, quantity: int, unit_price: Money | None) -> dict[str, Any]:
    """The columns of a line that may go on a bill; the price list's words and price unless others are given."""
    words = (item.billing_label or item.name) if item else description
    price = unit_price if unit_price is not None else item.unit_price if item else None
    if price is None:
        raise RuleBroken(N_("Enter a price."), "unit_price")
    amount = rules.check_line(words, price, quantity)
    return {
        "price_item_id": item.id if item else None,
        "description": words,
        "quantity": quantity,
        "unit_price": price,
        "amount": amount,
    }


def recalculate_total(bill: Bill) -> None:
    """Set the draft's total from its lines, and let open pages know."""
    db.session.flush()
    _set_total(bill, queries.subtotal(bill.id))


def _set_total(bill: Bill, subtotal: Money) -> None:
    rules.check_discount(bill.discount, rules.check_total(subtotal))
    bill.total = subtotal - bill.discount
    bill.payer_share = _payers_part(bill)
    bill.increment_version()
    publish(Event.BILL_CHANGED)


def _payers_part(bill: Bill) -> Money:
    """The other payer's part of the draft as it stands: a percentage follows the total, an amount ends at it."""
    if bill.payer_percent is not None:
        return rules.payer_split(bill.total, bill.payer_percent)[1]
    return min(bill.payer_share, bill.total)
