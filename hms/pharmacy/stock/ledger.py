"""Writes stock movements other than dispensing and returns. A trigger updates the balances."""

from __future__ import annotations

from hms.core import clock
from hms.core.db.session import db
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.pharmacy.models import Batch, StockMovement

from . import rules


def record_movement(
    batch: Batch, kind: rules.MovementKind, change: int, reason: str, by: Person, receipt_id: int | None = None
) -> StockMovement:
    """Write one stock movement; `change` is negative when stock leaves."""
    movement = StockMovement(
        batch_id=batch.id,
        medication_id=batch.medication_id,
        kind=kind.value,
        quantity=change,
        reason=reason,
        receipt_id=receipt_id,
        moved_at=clock.now(),
        moved_by_id=by.id,
    )
    db.session.add(movement)
    db.session.flush()
    db.session.expire(batch, ["quantity"])
    publish(Event.STOCK_CHANGED)
    return movement
