"""Changes of the price list. A new price applies only to new bill lines."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.dialects.postgresql import insert

from hms.billing.models import PriceItem
from hms.core.actions import STALE_MESSAGE, action
from hms.core.data_files import read_complete_rows
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_


@action(Permission.MANAGE_PRICES, "billing.save_price")
def save_price(
    item_id: int | None = None,
    *,
    code: str,
    name: str,
    unit_price: Money,
    billing_label: str = "",
    category: str = "service",
    is_active: bool = True,
    version: int | None = None,
    by: Person,
) -> PriceItem:
    """Add an item to the price list, or change the one with `item_id`. Codes are unique and stored in capitals.

    Raises `StaleVersion` when `version` is not the present one.
    """
    if unit_price < ZERO:
        raise RuleBroken(N_("Enter a price of zero or more."), "unit_price")
    item = get_for_update(PriceItem, item_id) if item_id is not None else PriceItem()
    if version is not None and item.id is not None and item.version != version:
        raise StaleVersion(STALE_MESSAGE)
    item.code, item.name, item.unit_price = code.strip().upper(), name.strip(), unit_price
    item.billing_label, item.category, item.is_active = billing_label.strip(), category, is_active
    item.is_priced = True
    if item.id is not None and db.session.is_modified(item):
        item.increment_version()
    db.session.add(item)
    db.session.flush()
    return item


STARTER_LIST = Path(__file__).parents[1] / "data" / "prices.csv"


@action(Permission.MANAGE_PRICES, "billing.load_prices")
def load_starter_list(*, by: Person) -> int:
    """Add the items of the starter price list whose codes are missing, without prices. Returns how many were added."""
    as_new = {"unit_price": ZERO, "is_priced": False, "is_active": True}
    rows = [row | as_new for row in read_complete_rows(STARTER_LIST)]
    new = insert(PriceItem).values(rows).on_conflict_do_nothing(index_elements=[PriceItem.code])
    return len(db.session.execute(new.returning(PriceItem.id)).all())
