"""The price list. A bill keeps the price of its day: a changed price reaches new lines only."""

from __future__ import annotations

from hms.core.actions import action
from hms.core.db import db, found
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _

from .models import PriceItem


@action(Action.MANAGE_PRICES)
def save_price(
    item_id: int | None = None,
    *,
    code: str,
    name: str,
    unit_price: Money,
    billing_label: str = "",
    category: str = "service",
    is_active: bool = True,
    by: Person,
) -> PriceItem:
    """Add an item to the price list, or change the one with `item_id`. Codes are kept in capitals and are unique."""
    if unit_price < ZERO:
        raise RuleBroken(_("Write a price of zero or more."), "unit_price")
    item = found(PriceItem, item_id) if item_id is not None else PriceItem()
    item.code, item.name, item.unit_price = code.strip().upper(), name.strip(), unit_price
    item.billing_label, item.category, item.is_active = billing_label.strip(), category, is_active
    db.session.add(item)
    db.session.flush()
    return item
