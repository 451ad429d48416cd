"""What goes on a draft bill: charges raised by care, lines written by the cashier, a discount, the bill of a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from hms.core import clock, settings
from hms.core.actions import STALE, action
from hms.core.alerts import Alert, alert
from hms.core.db import db, found, locked
from hms.core.errors import NotFound, RuleBroken, Stale
from hms.core.money import ZERO, Money
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _
from hms.patients.models import Patient

from . import queries, rules
from .models import Bill, BillLine, PriceItem


@action(Action.ADD_CHARGE)
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
) -> BillLine:
    """Put what was done for a patient on their collecting draft, which is made when there is none.

    `source` and `source_id` name the event of care ("dispense", 17): its second charge gives back the first line. The
    price is the price list's unless `unit_price` is given. Care never waits for the price list: what has no price there
    is charged at zero for the cashier to settle.
    """
    charged = _charged(source, source_id)
    if charged is not None:
        return charged
    item = _listed(price_item_id, code)
    line = _line(item, description or code or source, quantity, unit_price if unit_price is not None or item else ZERO)
    bill = _collecting(patient_id, encounter_id)
    row = line | {"bill_id": bill.id, "source": source, "source_id": source_id, "added_by_id": by.id}
    added = db.session.scalars(insert(BillLine).values(row).on_conflict_do_nothing().returning(BillLine)).one_or_none()
    if added is None:
        return _charged(source, source_id)  # another desk charged the same event an instant ago
    re_add(bill)
    return added


def _charged(source: str, source_id: int) -> BillLine | None:
    standing = select(BillLine).filter_by(source=source, source_id=source_id, withdrawn_at=None)
    return db.session.scalars(standing).one_or_none()


def _collecting(patient_id: int, encounter_id: int | None) -> Bill:
    """The patient's collecting draft, locked until the action ends; of two desks at once one makes it and both get it."""
    new = insert(Bill).values(patient_id=patient_id, encounter_id=encounter_id, collects=True, status="draft")
    one = new.on_conflict_do_update(
        index_elements=[Bill.patient_id],
        index_where=text("collects AND status = 'draft'"),  # a parameter would hide it from a prepared statement
        set_={"updated_at": func.now(), "encounter_id": func.coalesce(Bill.encounter_id, encounter_id)},
    )
    return db.session.scalars(one.returning(Bill), execution_options={"populate_existing": True}).one()


def _listed(price_item_id: int | None, code: str | None) -> PriceItem | None:
    if price_item_id is not None:
        return found(PriceItem, price_item_id)
    return queries.price_item(code) if code else None


def _line(item: PriceItem | None, description: str, quantity: int, unit_price: Money | None) -> dict[str, Any]:
    """The columns of a line that may go on a bill; the price list's words and price unless others are given."""
    words = (item.billing_label or item.name) if item else description
    price = unit_price if unit_price is not None else item.unit_price if item else None
    if price is None:
        raise RuleBroken(_("Write a price."), "unit_price")
    amount = rules.check_line(words, price, quantity)
    return {
        "price_item_id": item.id if item else None,
        "description": words,
        "quantity": quantity,
        "unit_price": price,
        "amount": amount,
    }


def re_add(bill: Bill) -> None:
    """Set the draft's total from its lines, and let open pages know."""
    db.session.flush()
    subtotal = queries.subtotal(bill.id)
    rules.check_discount(bill.discount, subtotal)
    bill.total = subtotal - bill.discount
    bill.changed()
    alert(Alert.BILL_CHANGED)


def draft(bill_id: int, version: int | None = None) -> Bill:
    """The draft, locked; refuses an issued bill, and one that changed since `version` was read."""
    bill = locked(Bill, bill_id)
    rules.check_editable(rules.BillState(bill.status))
    if version is not None and version != bill.version:
        raise Stale(STALE)
    return bill


@action(Action.EDIT_BILL)
def add_line(
    bill_id: int,
    *,
    item: str = "",
    price_item_id: int | None = None,
    quantity: int | None = None,
    unit_price: Money | None = None,
    by: Person,
) -> BillLine:
    """Add what the cashier typed: a code or a name of the price list, `3*dres` for three of it, or own words with a price."""
    bill = draft(bill_id)
    count, words = rules.counted_entry(item)
    listed = found(PriceItem, price_item_id) if price_item_id else _named(words, unit_price)
    if listed and unit_price is not None and unit_price != listed.unit_price and not by.may(Action.MANAGE_PRICES):
        raise RuleBroken(_("This item has a fixed price. Leave the price empty."), "unit_price")
    line = BillLine(bill_id=bill.id, added_by_id=by.id, **_line(listed, words, quantity or count, unit_price))
    db.session.add(line)
    re_add(bill)
    return line


def _named(words: str, unit_price: Money | None) -> PriceItem | None:
    """The one price-list item that `words` means; None for own words, which need a price."""
    if not words:
        raise RuleBroken(_("Write the item, its code, or scan it."), "item")
    by_code = queries.price_item(words)
    if by_code is not None:
        return by_code
    several = queries.price_items(words, limit=2)
    if len(several) == 1 and unit_price is None:
        return several[0]
    if several and unit_price is None:
        raise RuleBroken(_("Several items match. Choose one from the list."), "item")
    if unit_price is None:
        raise RuleBroken(_("The price list has no such item. Choose one from the list, or write a price."), "item")
    return None


@action(Action.EDIT_BILL)
def withdraw_line(bill_id: int, line_id: int, *, reason: str = "", by: Person) -> BillLine:
    """Take a line off a draft. The row stays, marked; its event of care may be charged again."""
    bill = draft(bill_id)
    line = db.session.scalars(select(BillLine).filter_by(id=line_id, bill_id=bill.id)).one_or_none()
    if line is None:
        raise NotFound(_("There is no such line on this bill."))
    if line.withdrawn_at is None:
        line.withdrawn_at, line.withdrawn_reason = clock.now(), reason
        re_add(bill)
    return line


@action(Action.EDIT_BILL)
def restore_line(bill_id: int, line_id: int, *, by: Person) -> BillLine:
    """Undo `withdraw_line`."""
    bill = draft(bill_id)
    line = db.session.scalars(select(BillLine).filter_by(id=line_id, bill_id=bill.id)).one_or_none()
    if line is None:
        raise NotFound(_("There is no such line on this bill."))
    line.withdrawn_at, line.withdrawn_reason = None, ""
    re_add(bill)
    return line


@action(Action.EDIT_BILL)
def create_bill(
    patient_id: int,
    *,
    items: Iterable[dict[str, Any]] = (),
    notes: str = "",
    encounter_id: int | None = None,
    by: Person,
) -> Bill:
    """A new draft with `items` (description or price_item_id, unit_price, quantity). It collects no charges of care."""
    if db.session.get(Patient, patient_id) is None:
        raise RuleBroken(_("There is no such patient."), "patient")
    bill = Bill(patient_id=patient_id, encounter_id=encounter_id, notes=notes)
    db.session.add(bill)
    db.session.flush()
    write_lines(bill, items, by)
    re_add(bill)
    return bill


def write_lines(bill: Bill, items: Iterable[dict[str, Any]], by: Person) -> None:
    """Put `items` on the draft; `RuleBroken` names the field of the first that cannot be."""
    for item in items:
        listed = _listed(item.get("price_item_id"), None)
        words, price = item.get("description", ""), item.get("unit_price")
        line = _line(listed, words, item.get("quantity", 1), price)
        db.session.add(BillLine(bill_id=bill.id, added_by_id=by.id, **line))


@action(Action.EDIT_BILL)
def change_bill(
    bill_id: int,
    *,
    items: Iterable[dict[str, Any]] | None = None,
    notes: str | None = None,
    version: int | None = None,
    by: Person,
) -> Bill:
    """Change a draft: its notes, and when `items` are given all its lines at once."""
    bill = draft(bill_id, version)
    if notes is not None:
        bill.notes = notes
    if items is not None:
        for line in db.session.scalars(select(BillLine).filter_by(bill_id=bill.id, withdrawn_at=None)):
            line.withdrawn_at = clock.now()
        write_lines(bill, items, by)
    re_add(bill)
    return bill


@action(Action.EDIT_BILL)
def give_discount(bill_id: int, *, discount: str, reason: str, by: Person) -> Bill:
    """Take an amount ("10.00") or a share ("10%") off a draft. Above the hospital's limit only who may void bills gives it."""
    bill = draft(bill_id)
    subtotal = queries.subtotal(bill.id)
    amount = rules.discount_of(discount, subtotal)
    if amount and not reason.strip():
        raise RuleBroken(_("Say why the discount is given."), "reason")
    limit = settings.value("billing.discount_limit_percent")
    if rules.needs_approval(amount, subtotal, limit) and not by.may(Action.WITHDRAW_BILL):
        message = _("A discount above %(limit)s% needs an administrator. Ask one to give it.")
        raise RuleBroken(message.replace("%(limit)s", str(limit)), "discount", code="needs_approval")
    bill.discount, bill.discount_reason = amount, reason.strip() if amount else ""
    re_add(bill)
    return bill
