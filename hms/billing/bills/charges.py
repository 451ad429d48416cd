"""Charges of care: adds them to a draft, withdraws them, and keeps the total of the draft."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Insert, Row, Select, and_, bindparam, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from hms.billing.models import Bill, BillLine, PriceItem
from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.events import Event, publish
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.translation import N_

from . import queries, rules

FREE_FOLLOW_UP = N_("free follow-up")


def take_off_draft(bill: Bill, line: BillLine, reason: str) -> None:
    """Withdraw a line of a locked draft; its event of care may be charged again. To be called in an action."""
    line.withdrawn_at, line.withdrawn_reason = clock.now(), reason
    recalculate_total(bill)


def charge_again(patient_id: int, withdrawn: BillLine, *, encounter_id: int | None, by: Person) -> None:
    """Charge an event of care whose line was withdrawn, as that line did. To be called in an action."""
    names = ("price_item_id", "description", "quantity", "unit_price", "amount", "source_id", "free_of_line_id")
    line = {name: getattr(withdrawn, name) for name in names}
    _add_lines(patient_id, withdrawn.source, [line], encounter_id, by)


class ItemPrice(NamedTuple):
    """The parts of a price-list item that a charge uses."""

    id: int
    name: str
    billing_label: str
    unit_price: Money


class ChargedLine(NamedTuple):
    """The id of a line and of its bill."""

    id: int
    bill_id: int


class BillableEvent(NamedTuple):
    """An event of care to charge. `description` is used when it has no item of the price list."""

    source_id: int
    quantity: int
    item: ItemPrice | None
    description: str


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
    free_of_line_id: int | None = None,
    by: Person,
) -> ChargedLine:
    """Charge an event of care on the patient's collecting draft, which is created when there is none.

    `source` and `source_id` name the event ("dispense", 17); charging it again returns the line that exists. The price is
    the price list's unless `unit_price` is given. An event without a price is charged at zero; the cashier sets the
    price. Care does not wait for the price list. With `free_of_line_id`, the line of a paid consultation, it is a free
    follow-up: it costs nothing and says so. Raises `RuleBroken` when the bill or the line is above its limit.
    """
    existing = db.session.execute(
        _charge_and_item(),
        {
            "source": source,
            "source_id": source_id,
            "price_item_id": price_item_id,
            "code": None if price_item_id or not code else code.strip().upper(),
        },
    ).one()
    if existing.id is not None:
        return ChargedLine(existing.id, existing.bill_id)
    item = _item_price(existing, price_item_id)
    line = build_line(
        item, description or code or source, quantity, unit_price if unit_price is not None or item else ZERO
    )
    if free_of_line_id is not None:
        line |= {"description": f"{line['description']} ({FREE_FOLLOW_UP})", "unit_price": ZERO, "amount": ZERO}
        line["free_of_line_id"] = free_of_line_id
    added = _add_lines(patient_id, source, [line | {"source_id": source_id}], encounter_id, by)
    if added:
        return added[0]
    # Another transaction inserted the charge while this one waited for the draft.
    existing = db.session.execute(
        _charge_and_item(), {"source": source, "source_id": source_id, "price_item_id": None, "code": None}
    ).one()
    return ChargedLine(existing.id, existing.bill_id)


@action(Permission.ADD_CHARGE, "billing.add_charges")
def add_charges(
    patient_id: int, source: str, events: Sequence[BillableEvent], *, encounter_id: int | None = None, by: Person
) -> None:
    """Charge several events that this transaction created, so that no other can have charged them."""
    lines = [
        build_line(event.item, event.description, event.quantity, None if event.item else ZERO)
        | {"source_id": event.source_id}
        for event in events
    ]
    _add_lines(patient_id, source, lines, encounter_id, by, are_new=True)


@cache
def _charge_and_item() -> Select:
    """One row: the line of an event and the item of the price list; NULL where there is none."""
    source, source_id, price_item_id, code = (
        bindparam("source"),
        bindparam("source_id"),
        bindparam("price_item_id"),
        bindparam("code"),
    )
    charged = and_(BillLine.source == source, BillLine.source_id == source_id, BillLine.withdrawn_at.is_(None))
    is_item = or_(PriceItem.id == price_item_id, and_(func.upper(PriceItem.code) == code, PriceItem.is_active))
    item = (PriceItem.id.label("item_id"), PriceItem.name, PriceItem.billing_label, PriceItem.unit_price.label("price"))
    single_row = select(literal(1).label("one")).subquery()
    return select(BillLine.id, BillLine.bill_id, *item).select_from(
        single_row.outerjoin(BillLine, charged).outerjoin(PriceItem, is_item)
    )


def _item_price(row: Row, price_item_id: int | None) -> ItemPrice | None:
    if row.item_id is not None:
        return ItemPrice(row.item_id, row.name, row.billing_label, row.price)
    if price_item_id is not None:
        raise NotFound(N_("This item is not on the price list."))
    return None


def _add_lines(
    patient_id: int,
    source: str,
    lines: Sequence[dict[str, Any]],
    encounter_id: int | None,
    by: Person,
    *,
    are_new: bool = False,
) -> list[ChargedLine]:
    """Add the lines to the patient's collecting draft, which stays locked until the transaction ends.

    Events that are charged already are left out. They are looked up after the draft is locked, so that two transactions
    cannot charge the same event; one that inserts the draft in the meantime is found at the next turn. Events that this
    transaction created (`are_new`) are not looked up.
    """
    bill_id = None
    while bill_id is None:
        bill = db.session.scalars(_draft(), {"patient_id": patient_id}).one_or_none()
        if not are_new or (bill and bill.encounter_id not in (None, encounter_id)):
            # Otherwise the trigger `same_patient` checks the bill.
            check_same_patient(patient_id, encounter=encounter_id)
        added = lines if are_new else _not_charged(source, lines)
        if not added:
            return []
        total = Money.total(line["amount"] for line in added)
        bill_id = _add_to_draft(bill, total, encounter_id) if bill else _insert_draft(patient_id, total, encounter_id)
    return _insert_lines(bill_id, [line | {"source": source, "added_by_id": by.id} for line in added])


def _not_charged(source: str, lines: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    events = {"source": source, "ids": [line["source_id"] for line in lines]}
    charged = set(db.session.scalars(_charged_events(), events))
    return [line for line in lines if line["source_id"] not in charged]


def _add_to_draft(bill: Bill, amount: Money, encounter_id: int | None) -> int:
    """Raise the total of the locked draft. Its subtotal is known without a query."""
    bill.encounter_id = bill.encounter_id or encounter_id
    _set_total(bill, bill.total + bill.discount + amount)
    db.session.flush()
    return bill.id


def _insert_draft(patient_id: int, total: Money, encounter_id: int | None) -> int | None:
    """Insert the patient's collecting draft; None when another transaction has just done it."""
    rules.check_total(total)
    draft = {"patient_id": patient_id, "encounter_id": encounter_id, "total": total}
    bill_id = db.session.scalar(_new_draft(), draft)
    publish(Event.BILL_CHANGED)
    return bill_id


@cache
def _new_draft() -> Insert:
    new = insert(Bill.__table__).values(collects=True)
    # The condition is text: PostgreSQL finds the index of a prepared statement by its text.
    new = new.on_conflict_do_nothing(index_elements=["patient_id"], index_where=text("collects AND status = 'draft'"))
    return new.returning(Bill.__table__.c.id)


def _insert_lines(bill_id: int, lines: Sequence[dict[str, Any]]) -> list[ChargedLine]:
    rows = [line | {"bill_id": bill_id} for line in lines]
    return [ChargedLine(line_id, bill_id) for line_id in db.session.scalars(_new_lines(), rows)]


@cache
def _new_lines() -> Insert:
    lines = BillLine.__table__
    return insert(lines).returning(lines.c.id, sort_by_parameter_order=True)


@cache
def _charged_events() -> Select:
    """Those of the events that are charged."""
    charged = select(BillLine.source_id).where(BillLine.source == bindparam("source"), BillLine.withdrawn_at.is_(None))
    return charged.where(BillLine.source_id.in_(bindparam("ids")))


@cache
def _draft() -> Select:
    draft = select(Bill).where(Bill.patient_id == bindparam("patient_id"), Bill.collects, Bill.status == "draft")
    return draft.with_for_update().execution_options(populate_existing=True)


def build_line(item: ItemPrice | None, description: str, quantity: int, unit_price: Money | None) -> dict[str, Any]:
    """The columns of a bill line. An item's own name takes precedence over `description`, `unit_price` over the item's
    price.

    Raises `RuleBroken` with the field when the line cannot be billed.
    """
    description = (item.billing_label or item.name) if item else description
    price = unit_price if unit_price is not None else item.unit_price if item else None
    if price is None:
        raise RuleBroken(N_("Enter a price."), "unit_price")
    amount = rules.check_line(description, price, quantity)
    return {
        "price_item_id": item.id if item else None,
        "description": description,
        "quantity": quantity,
        "unit_price": price,
        "amount": amount,
    }


def recalculate_total(bill: Bill) -> None:
    """Set the total of a locked draft from its lines and publish the change to open pages."""
    db.session.flush()
    _set_total(bill, queries.subtotal(bill.id))


def _set_total(bill: Bill, subtotal: Money) -> None:
    rules.check_discount(bill.discount, rules.check_total(subtotal))
    bill.total = subtotal - bill.discount
    bill.payer_share = _payer_share(bill)
    bill.increment_version()
    publish(Event.BILL_CHANGED)


def _payer_share(bill: Bill) -> Money:
    """The other payer's share of the draft: a percentage of its total, or an amount of at most its total."""
    if bill.payer_percent is not None:
        return rules.split_total(bill.total, bill.payer_percent)[1]
    return min(bill.payer_share, bill.total)
