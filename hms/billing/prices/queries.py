"""Looking into the price list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, bindparam, case, func, select

from hms.billing.models import PriceItem
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.money import Money
from hms.core.settings import store as settings
from hms.core.text.cleaning import escape_like


def price_item(code: str) -> PriceItem | None:
    """The active item of that code, whatever the case of its letters."""
    query = select(PriceItem).where(func.upper(PriceItem.code) == code.strip().upper(), PriceItem.is_active)
    return db.session.scalars(query).one_or_none()


def price(code: str) -> Money | None:
    """The price of one unit; None when the price list has no such code."""
    item = price_item(code)
    return item.unit_price if item else None


@dataclass(frozen=True)
class Unpriced:
    """What is left to do about the price list: items `to_be_priced`, and the code charged at signing when it is missing."""

    to_be_priced: int
    missing_code: str | None


def unpriced() -> Unpriced:
    code = settings.value("billing.consultation_item")
    left, found = db.session.execute(_left(), {"code": code.upper()}).one()
    return Unpriced(left, None if found or not code else code)


@cache
def _left() -> Select:
    code = bindparam("code")
    is_left = PriceItem.is_active & ~PriceItem.is_priced
    is_charged = PriceItem.is_active & (func.upper(PriceItem.code) == code)
    return select(func.count().filter(is_left), func.count().filter(is_charged)).select_from(PriceItem)


def to_be_priced(item_ids: set[int]) -> set[int]:
    """Those of the items whose price nobody has set yet."""
    if not item_ids:
        return set()
    return set(db.session.scalars(select(PriceItem.id).where(PriceItem.id.in_(item_ids), ~PriceItem.is_priced)))


def price_items(text: str, *, limit: int = 10, with_withdrawn: bool = False) -> list[PriceItem]:
    """Items whose code or name holds every word of `text`, codes that begin with it first, the shortest before all."""
    words = contains_all_words(PriceItem.search_text, text)
    starts = func.lower(PriceItem.code).like(func.hms_fold(f"{escape_like(text.strip())}%"))
    by_code = case((starts, func.length(PriceItem.code))) if text.strip() else PriceItem.name
    rows = select(PriceItem).where(*words).order_by(by_code, PriceItem.name, PriceItem.id).limit(limit)
    return list(db.session.scalars(rows if with_withdrawn else rows.where(PriceItem.is_active)))
