"""Reads of the price list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, bindparam, case, func, select, tuple_

from hms.billing.models import PriceItem
from hms.core.db.folding import folded
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.settings import store as settings
from hms.core.text.cleaning import escape_like


def find_item(code: str) -> PriceItem | None:
    """The active item with this code in capitals or small letters; None when there is none."""
    query = select(PriceItem).where(func.upper(PriceItem.code) == code.strip().upper(), PriceItem.is_active)
    return db.session.scalars(query).one_or_none()


@dataclass(frozen=True)
class PriceListGaps:
    """How many active items have no price, and the code charged at signing when it is not on the price list."""

    without_price: int
    missing_code: str | None


def price_list_gaps() -> PriceListGaps:
    code = settings.value("billing.consultation_item")
    without_price, is_listed = db.session.execute(_gaps(), {"code": code.upper()}).one()
    return PriceListGaps(without_price, None if is_listed or not code else code)


@cache
def _gaps() -> Select:
    code = bindparam("code")
    has_no_price = PriceItem.is_active & ~PriceItem.is_priced
    is_charged = PriceItem.is_active & (func.upper(PriceItem.code) == code)
    return select(func.count().filter(has_no_price), func.count().filter(is_charged)).select_from(PriceItem)


def items_without_price(item_ids: set[int]) -> set[int]:
    """Those of the items that have no price yet."""
    if not item_ids:
        return set()
    return set(db.session.scalars(select(PriceItem.id).where(PriceItem.id.in_(item_ids), ~PriceItem.is_priced)))


def search_items(
    text: str,
    *,
    limit: int = 10,
    with_inactive: bool = False,
    only_unpriced: bool = False,
    after: tuple[str, int] | None = None,
) -> list[PriceItem]:
    """Items whose code or name contains every word of `text`; first those whose code begins with it, the shortest code first.

    `only_unpriced`: active ones without a price. `after`, without `text`: name and id of the last item of the page before.
    """
    words = contains_all_words(PriceItem.search_text, text)
    starts = func.lower(PriceItem.code).like(folded(f"{escape_like(text.strip())}%"))
    by_code = case((starts, func.length(PriceItem.code))) if text.strip() else None
    first = () if by_code is None else (by_code,)
    rows = select(PriceItem).where(*words).order_by(*first, *name_order(PriceItem.name), PriceItem.id).limit(limit)
    if after is not None and not text.strip():
        by_name = tuple_(*name_order(PriceItem.name), PriceItem.id)
        rows = rows.where(by_name > tuple_(*name_order(after[0]), after[1]))
    if only_unpriced:
        rows = rows.where(~PriceItem.is_priced)
    return list(db.session.scalars(rows if with_inactive and not only_unpriced else rows.where(PriceItem.is_active)))


def sort_key_of(item_id: int) -> tuple[str, int] | None:
    """Name and id of an item, to show the items after it; None when it does not exist."""
    row = db.session.execute(select(PriceItem.name, PriceItem.id).filter_by(id=item_id)).one_or_none()
    return tuple(row) if row else None
