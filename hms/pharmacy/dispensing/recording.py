"""Records a dispensing: the status of the lines, the dispenses, the stock movements and the charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Row, Update, bindparam, insert, update

from hms.billing.bills.charges import BillableEvent, ItemPrice, add_charges
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.db.session import db
from hms.core.db.table_updates import execute_update
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.formulary.dosing import product_text
from hms.pharmacy.models import Dispense, StockMovement
from hms.pharmacy.stock.allocation import Batch

from .locked_lines import LockedStock, Picks, status_after


@dataclass(frozen=True, slots=True)
class DispenseResult:
    """What was dispensed on one line, from which batches, and the line's new status."""

    id: int
    line: Row
    quantity: int
    remaining: int | None
    status: str
    batches: list[tuple[Batch, int]]
    at: datetime
    by_id: int | None


def record_dispenses(
    given: Sequence[tuple[Row, Picks]], shelf: LockedStock, *, by: Person, collected_by: str, note: str
) -> list[DispenseResult]:
    """Record the dispensing of locked lines of one patient; `given` are the lines with their picks."""
    now = clock.now()
    results = _write([_given(line, picks, shelf, now, by) for line, picks in given], collected_by, note)
    events = [
        BillableEvent(result.id, result.quantity, _item(result.line), product_text.full_name(result.line))
        for result in results
    ]
    first = results[0].line
    add_charges(first.patient_id, "dispense", events, encounter_id=first.encounter_id, by=by)
    for kind in (Event.PRESCRIPTION_CHANGED, Event.STOCK_CHANGED):
        publish(kind)
    return results


def _item(line: Row) -> ItemPrice | None:
    if line.price_item_id is None:
        return None
    return ItemPrice(line.price_item_id, line.item_name, line.billing_label, line.unit_price)


def _given(line: Row, picks: Picks, shelf: LockedStock, now: datetime, by: Person) -> DispenseResult:
    quantity = sum(count for _batch, count in picks)
    in_all = line.quantity_dispensed + quantity
    remaining = None if line.quantity is None else line.quantity - in_all
    held = {batch.batch_id: batch for batch in shelf.held[line.medication_id]}
    batches = [(held[batch_id], count) for batch_id, count in sorted(picks)]
    return DispenseResult(0, line, quantity, remaining, status_after(line.quantity, in_all), batches, now, by.id)


def _write(results: list[DispenseResult], collected_by: str, note: str) -> list[DispenseResult]:
    """Write the dispenses and their stock movements; returns the results with the ids of the dispenses."""
    _count_on_lines(results)
    dispense_ids = db.session.scalars(
        _insert_dispenses(), [_dispense(result, collected_by, note) for result in results]
    ).all()
    results = [replace(result, id=dispense_id) for result, dispense_id in zip(results, dispense_ids, strict=True)]
    movements = [_movement(result, batch, count) for result in results for batch, count in result.batches]
    # In this order, because a trigger locks the medicine and the batch of each row.
    movements.sort(key=lambda movement: (movement["medication_id"], movement["batch_id"], movement["dispense_id"]))
    db.session.execute(_insert_movements(), movements)
    return results


def _count_on_lines(results: list[DispenseResult]) -> None:
    """Update the dispensed quantity and the status of each prescription. The rows are locked (`locked_lines`)."""
    execute_update(
        Prescription,
        _update_lines(),
        [
            {
                "record_id": result.line.id,
                "quantity_dispensed": result.line.quantity_dispensed + result.quantity,
                "status": result.status,
                "status_reason": "",
                "version": result.line.version + 1,
            }
            for result in results
        ],
    )


@cache
def _update_lines() -> Update:
    lines = Prescription.__table__
    return update(lines).where(lines.c.id == bindparam("record_id"))


@cache
def _insert_dispenses() -> Insert:
    dispenses = Dispense.__table__
    return insert(dispenses).returning(dispenses.c.id, sort_by_parameter_order=True)


@cache
def _insert_movements() -> Insert:
    return insert(StockMovement.__table__)


def _dispense(result: DispenseResult, collected_by: str, note: str) -> dict[str, Any]:
    return {
        "prescription_id": result.line.id,
        "patient_id": result.line.patient_id,
        "medication_id": result.line.medication_id,
        "quantity": result.quantity,
        "dispensed_at": result.at,
        "dispensed_by_id": result.by_id,
        "collected_by": collected_by,
        "note": note,
    }


def _movement(result: DispenseResult, batch: Batch, count: int) -> dict[str, Any]:
    return {
        "batch_id": batch.batch_id,
        "medication_id": result.line.medication_id,
        "kind": "dispense",
        "quantity": -count,
        "dispense_id": result.id,
        "moved_at": result.at,
        "moved_by_id": result.by_id,
    }
