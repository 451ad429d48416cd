"""Reads for stock pages: medicines with their stock, batches, stock movements, goods receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, false, func, select, tuple_
from sqlalchemy.orm import joinedload

from hms.core import clock
from hms.core.db.folding import folded
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.errors import NotFound
from hms.core.settings import store as settings
from hms.core.text.cleaning import escape_like
from hms.core.text.translation import N_
from hms.formulary.medicines.queries import COLUMNS
from hms.formulary.models import Medication
from hms.pharmacy.models import Batch, GoodsReceipt, StockMovement, Supplier

from .rules import USAGE_DAYS, estimate_days_left

PAGE = 25
_BY_NAME = (*name_order(Medication.name), Medication.id)
FILTERS = ("low", "expiring", "expired", "zero")


@dataclass(frozen=True, slots=True)
class StockRow:
    """One medicine of the stock page. `row.usable` does not count expired batches; `days_left` is None without any use."""

    row: Any
    days_left: int | None
    is_low: bool


def near_days() -> int:
    """The setting: how many days before its expiry a batch is near expiry."""
    return settings.value("pharmacy.near_expiry_days")


def _days() -> dict[str, date]:
    """Today, and the last day of which an expiry is near."""
    today = clock.today()
    return {"today": today, "near_until": today + timedelta(days=near_days())}


def _sums(today: Any, near_until: Any) -> Any:
    """For each medicine: usable and expired units, earliest future expiry, value, units near expiry, units whose cost nobody
    entered."""
    is_good = Batch.expires_on.is_(None) | (Batch.expires_on > today)
    is_near = (Batch.expires_on > today) & (Batch.expires_on <= near_until)
    return (
        select(
            Batch.medication_id,
            func.sum(case((is_good, Batch.quantity), else_=0)).label("usable"),
            func.sum(case((is_good, 0), else_=Batch.quantity)).label("expired"),
            func.sum(case((is_near, Batch.quantity), else_=0)).label("near"),
            func.min(case((is_good, Batch.expires_on))).label("soonest"),
            func.sum(Batch.unit_cost * Batch.quantity).label("value"),
            func.coalesce(func.sum(Batch.quantity).filter(Batch.unit_cost.is_(None)), 0).label("without_cost"),
        )
        .where(Batch.quantity > 0)
        .group_by(Batch.medication_id)
        .subquery()
    )


def _conditions(sums: Any) -> dict[str, Any]:
    usable = func.coalesce(sums.c.usable, 0)
    return {
        "low": usable <= Medication.reorder_level,
        "expiring": func.coalesce(sums.c.near, 0) > 0,
        "expired": func.coalesce(sums.c.expired, 0) > 0,
        "zero": usable == 0,
    }


def _matching(text: str) -> list[Any]:
    return contains_all_words(Medication.search_text, text)


def counts(text: str = "") -> dict[str, int]:
    """The number of medicines that each filter shows; "all" without a filter."""
    query = _counts().where(*_matching(text)) if text else _counts()
    return dict(db.session.execute(query, _days()).one()._mapping)


@cache
def _counts() -> Select:
    sums = _sums(bindparam("today"), bindparam("near_until"))
    figures = [func.count().filter(condition).label(name) for name, condition in _conditions(sums).items()]
    medicines_with_stock = select(func.count().label("all"), *figures).select_from(Medication)
    return medicines_with_stock.outerjoin(sums, sums.c.medication_id == Medication.id).where(Medication.is_active)


def medicines(
    text: str = "", show: str = "", *, after: tuple[str, int] | None = None, limit: int = PAGE
) -> list[StockRow]:
    """Medicines with their stock, by name; `after` is the name and id of the last row of the page before."""
    sums = _sums(**_days())
    used = _used()
    columns = ("id", "name", "generic_name", "display_name", "form", "strength", "unit", "brand_name", "reorder_level")
    query = (
        select(
            *(Medication.__table__.c[name] for name in columns),
            *(func.coalesce(sums.c[name], 0).label(name) for name in ("usable", "expired", "near")),
            sums.c.soonest,
            sums.c.value,
            sums.c.without_cost,
            func.coalesce(used.c.used, 0).label("used"),
        )
        .select_from(Medication)
        .outerjoin(sums, sums.c.medication_id == Medication.id)
        .outerjoin(used, used.c.medication_id == Medication.id)
        .where(Medication.is_active, *_matching(text))
        .order_by(*_BY_NAME)
        .limit(limit)
    )
    if show:
        query = query.where(_conditions(sums).get(show, false()))
    if after is not None:
        query = query.where(tuple_(*_BY_NAME) > tuple_(*name_order(after[0]), after[1]))
    return [_shelf(row, row.reorder_level) for row in db.session.execute(query)]


def _shelf(row: Any, reorder_level: int) -> StockRow:
    return StockRow(row, estimate_days_left(int(row.usable), int(row.used)), row.usable <= reorder_level)


def _used() -> Any:
    """For each medicine: units dispensed in the last 90 days, less returns."""
    since = clock.now() - timedelta(days=USAGE_DAYS)
    return (
        select(StockMovement.medication_id, (-func.sum(StockMovement.quantity)).label("used"))
        .where(StockMovement.kind.in_(("dispense", "return")), StockMovement.moved_at >= since)
        .group_by(StockMovement.medication_id)
        .subquery()
    )


def low() -> Select:
    """Medicines at or below their reorder level, by name, as rows of `COLUMNS`."""
    sums = _sums(**_days())
    query = select(*COLUMNS).select_from(Medication).outerjoin(sums, sums.c.medication_id == Medication.id)
    low_rows = query.where(Medication.is_active, _conditions(sums)["low"])
    return low_rows.order_by(*_BY_NAME)


def sort_key_of(medication_id: int) -> tuple[str, int] | None:
    """The sort key of a medicine in the list (name, id), to show the rows after it; None when it does not exist."""
    row = db.session.execute(select(Medication.name, Medication.id).filter_by(id=medication_id)).one_or_none()
    return tuple(row) if row else None


def medicine(medication_id: int) -> StockRow:
    """One medicine with its stock, on the list or withdrawn; `NotFound` when there is none."""
    sums, used = _sums(**_days()), _used()
    query = (
        select(
            Medication,
            *(func.coalesce(sums.c[name], 0).label(name) for name in ("usable", "expired", "near")),
            sums.c.soonest,
            sums.c.value,
            sums.c.without_cost,
            func.coalesce(used.c.used, 0).label("used"),
        )
        .outerjoin(sums, sums.c.medication_id == Medication.id)
        .outerjoin(used, used.c.medication_id == Medication.id)
        .where(Medication.id == medication_id)
        .options(joinedload(Medication.price_item))
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(N_("This medicine does not exist."))
    return _shelf(row, row.Medication.reorder_level)


def batches(medication_id: int, *, with_empty: bool = True) -> list[Any]:
    """The batches of a medicine, earliest expiry first, empty ones last: Batch, supplier's name, receipt's number."""
    query = (
        select(Batch, Supplier.name.label("supplier"), GoodsReceipt.number.label("receipt"))
        .outerjoin(GoodsReceipt, GoodsReceipt.id == Batch.receipt_id)
        .outerjoin(Supplier, Supplier.id == GoodsReceipt.supplier_id)
        .where(Batch.medication_id == medication_id)
        .order_by(Batch.quantity == 0, Batch.expires_on, Batch.id)
    )
    return list(db.session.execute(query if with_empty else query.where(Batch.quantity > 0)).all())


def movements(medication_id: int, *, before: int | None = None, limit: int = PAGE) -> Sequence[StockMovement]:
    """The stock movements of a medicine, newest first; with `before`, only those with a lower id."""
    query = (
        select(StockMovement)
        .where(StockMovement.medication_id == medication_id)
        .options(joinedload(StockMovement.batch), joinedload(StockMovement.moved_by))
        .order_by(StockMovement.id.desc())
        .limit(limit)
    )
    return db.session.scalars(query if before is None else query.where(StockMovement.id < before)).unique().all()


def batch(batch_id: int) -> Batch:
    """One batch with its medicine; `NotFound` when there is none."""
    query = select(Batch).where(Batch.id == batch_id).options(joinedload(Batch.medication))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This batch does not exist."))
    return row


def receipt(receipt_id: int) -> GoodsReceipt:
    """One goods receipt; `NotFound` when there is none."""
    query = select(GoodsReceipt).where(GoodsReceipt.id == receipt_id).options(joinedload(GoodsReceipt.supplier))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This goods receipt does not exist."))
    return row


def received(goods_receipt: GoodsReceipt) -> list[StockMovement]:
    """The stock movements of a goods receipt."""
    query = select(StockMovement).where(StockMovement.receipt_id == goods_receipt.id).order_by(StockMovement.id)
    return list(db.session.scalars(query.options(joinedload(StockMovement.batch).joinedload(Batch.medication))))


def suppliers(text: str, limit: int = 10) -> list[str]:
    """Names of suppliers that contain every word of `text`."""
    words = contains_all_words(func.hms_fold(Supplier.name), text)
    query = select(Supplier.name).where(Supplier.is_active, *words).order_by(*name_order(Supplier.name)).limit(limit)
    return list(db.session.scalars(query))


def medicines_named(text: str, limit: int = 10) -> list[Any]:
    """Active medicines that contain every word of `text`; those whose name begins with it are first."""
    starts = Medication.search_text.like(folded(f"{escape_like(text.strip())}%"))
    columns = (Medication.id, Medication.name, Medication.brand_name, Medication.unit, Medication.current_stock)
    query = select(*columns).where(Medication.is_active, *_matching(text))
    return list(db.session.execute(query.order_by(starts.desc(), *_BY_NAME).limit(limit)))
