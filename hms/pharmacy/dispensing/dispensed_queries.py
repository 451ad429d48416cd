"""Reads dispenses: of a day, of a line, or by id, with the related records that pages show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from hms.core import clock
from hms.core.db.session import db
from hms.pharmacy.models import Dispense, StockMovement

PAGE = 25


def given_on(day: date, *, before: int | None = None, limit: int = PAGE) -> Sequence[Dispense]:
    """The dispenses of a hospital day, newest first; with `before`, only those with a lower id."""
    start, end = clock.day_bounds(day)
    query = _dispenses().where(Dispense.dispensed_at >= start, Dispense.dispensed_at < end)
    if before is not None:
        query = query.where(Dispense.id < before)
    return db.session.scalars(query.order_by(Dispense.id.desc()).limit(limit)).unique().all()


def dispenses(ids: Sequence[int]) -> Sequence[Dispense]:
    """The dispenses with these ids, in the order of their ids."""
    return db.session.scalars(_dispenses().where(Dispense.id.in_(list(ids))).order_by(Dispense.id)).unique().all()


def dispenses_of(prescription_id: int) -> Sequence[Dispense]:
    """The dispenses of a line, oldest first."""
    query = _dispenses().where(Dispense.prescription_id == prescription_id)
    return db.session.scalars(query.order_by(Dispense.id)).unique().all()


def _dispenses() -> Select:
    return select(Dispense).options(
        joinedload(Dispense.prescription),
        joinedload(Dispense.patient),
        joinedload(Dispense.medication),
        joinedload(Dispense.dispensed_by),
        joinedload(Dispense.movements).joinedload(StockMovement.batch),
    )
