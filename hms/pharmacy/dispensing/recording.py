"""What leaves the pharmacy, written down: the lines' new state, the dispenses and their movements, and the charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Row, update

from hms.billing.bills.charges import BillableEvent, ItemPrice, add_charges
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.db.session import db
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.formulary.dosing import product_text
from hms.pharmacy.models import Dispense, StockMovement
from hms.pharmacy.stock.allocation import Batch

from .locked_lines import LockedStock, Picks, status_after


@dataclass(frozen=True, slots=True)
class DispenseResult:
    """What was handed out on one line, from which batches, and where the line stands now."""

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
    """Write down what leaves the shelf on the locked lines of one patient; each line has its picks."""
    now = clock.now()
    done = _write([_given(line, picks, shelf, now, by) for line, picks in given], collected_by, note)
    events = [BillableEvent(one.id, one.quantity, _item(one.line), product_text.full_name(one.line)) for one in done]
    first = done[0].line
    add_charges(first.patient_id, "dispense", events, encounter_id=first.encounter_id, by=by)
    for kind in (Event.PRESCRIPTION_CHANGED, Event.STOCK_CHANGED):
        publish(kind)
    return done


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


def _write(done: list[DispenseResult], collected_by: str, note: str) -> list[DispenseResult]:
    """The same with the ids of their dispenses."""
    _count_on_lines(done)
    handed = [_dispense(one, collected_by, note) for one in done]
    db.session.add_all(handed)
    db.session.flush()
    moved = [
        StockMovement(
            batch_id=batch.batch_id,
            medication_id=dispense.medication_id,
            kind="dispense",
            quantity=-count,
            dispense_id=dispense.id,
            moved_at=one.at,
            moved_by_id=one.by_id,
        )
        for one, dispense in zip(done, handed, strict=True)
        for batch, count in one.batches
    ]
    # In this order, as a trigger locks the medicine and the batch of each.
    db.session.add_all(sorted(moved, key=lambda one: (one.medication_id, one.batch_id, one.dispense_id)))
    db.session.flush()
    return [replace(one, id=dispense.id) for one, dispense in zip(done, handed, strict=True)]


def _count_on_lines(done: list[DispenseResult]) -> None:
    """Write what each prescription has had dispensed so far. Their rows are locked already (`locked_lines`)."""
    db.session.execute(
        update(Prescription),
        [
            {
                "id": one.line.id,
                "quantity_dispensed": one.line.quantity_dispensed + one.quantity,
                "status": one.status,
                "status_reason": "",
                "version": one.line.version + 1,
            }
            for one in done
        ],
    )


def _dispense(one: DispenseResult, collected_by: str, note: str) -> Dispense:
    about = {name: getattr(one.line, name) for name in ("patient_id", "medication_id")}
    handed = {"quantity": one.quantity, "dispensed_at": one.at, "dispensed_by_id": one.by_id}
    return Dispense(prescription_id=one.line.id, collected_by=collected_by, note=note, **about, **handed)
