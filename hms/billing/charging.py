"""What goes on a draft bill: charges raised by care, lines written by the cashier, a discount, the bill of a program."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from hms.core.actions import action
from hms.core.alerts import Alert, alert
from hms.core.db import db, found
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _

from . import prices, queries, rules
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
    line = line_of(
        item, description or code or source, quantity, unit_price if unit_price is not None or item else ZERO
    )
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
    return prices.price_item(code) if code else None


def line_of(item: PriceItem | None, description: str, quantity: int, unit_price: Money | None) -> dict[str, Any]:
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
    bill.payer_share = _payers_part(bill)
    bill.changed()
    alert(Alert.BILL_CHANGED)


def _payers_part(bill: Bill) -> Money:
    """The other payer's part of the draft as it stands: a percentage follows the total, an amount ends at it."""
    if bill.payer_percent is not None:
        return rules.payer_split(bill.total, bill.payer_percent)[1]
    return min(bill.payer_share, bill.total)
