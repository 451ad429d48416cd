"""Returned medicines: stock, line and charge are corrected in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from hms.billing.bills.charges import add_charge
from hms.billing.corrections import credits
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db, get_or_not_found
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.formulary.dosing import product_text
from hms.formulary.models import Medication
from hms.pharmacy.models import Batch, Dispense, StockMovement

from . import locked_lines, rules


class Returned(NamedTuple):
    """What a return did: whether the stock has the medicine again, and what happened to its charge."""

    is_in_stock: bool
    charge: credits.ChargeUndone


@action(Permission.DISPENSE, "pharmacy.return_dispensed")
def return_dispensed(dispense_id: int, quantity: int, reason: str, *, goes_back: bool = True, by: Person) -> Returned:
    """Record that `quantity` of a dispense is returned: it is owing again. Its charge is taken off a draft bill; on an issued
    bill its credit is requested, which another person approves.

    The quantity goes back to its batches, the last one first; with `goes_back=False` it is written off.
    """
    given = get_or_not_found(Dispense, dispense_id)
    line = locked_lines.locked_line(given.prescription_id, by)
    out = _still_out(dispense_id)
    already = given.quantity - sum(out.values())
    rules.check_return(quantity, given.quantity, already, reason)
    db.session.execute(select(Batch.id).where(Batch.id.in_(out)).order_by(Batch.id).with_for_update())
    _take_back(given, out, quantity, reason.strip(), goes_back, by)
    _count_back(line, quantity)
    kept = given.quantity - already - quantity
    charge = _correct_charge(given, line, quantity, kept, reason.strip(), by)
    for kind in (Event.PRESCRIPTION_CHANGED, Event.STOCK_CHANGED):
        publish(kind)
    return Returned(goes_back, charge)


def _still_out(dispense_id: int) -> dict[int, int]:
    """The quantity of each batch that was not returned, in the order of dispensing. Write-offs of returns do not count."""
    out = -func.sum(StockMovement.quantity)
    rows = (
        select(StockMovement.batch_id, out)
        .where(StockMovement.dispense_id == dispense_id, StockMovement.kind.in_(("dispense", "return")))
        .group_by(StockMovement.batch_id)
        .order_by(func.min(StockMovement.id))
    )
    return {batch_id: int(count) for batch_id, count in db.session.execute(rows) if count > 0}


def _take_back(given: Dispense, out: dict[int, int], quantity: int, reason: str, goes_back: bool, by: Person) -> None:
    left = quantity
    for batch_id, count in reversed(out.items()):
        back = min(left, count)
        for kind, change in [("return", back)] + ([] if goes_back else [("write_off", -back)]):
            if back:
                _record_movement(given, batch_id, kind, change, reason, by)
        left -= back


def _record_movement(given: Dispense, batch_id: int, kind: str, change: int, reason: str, by: Person) -> None:
    movement = StockMovement(
        batch_id=batch_id,
        medication_id=given.medication_id,
        kind=kind,
        quantity=change,
        dispense_id=given.id,
        reason=reason,
        moved_at=clock.now(),
        moved_by_id=by.id,
    )
    db.session.add(movement)
    db.session.flush()


def _count_back(line: Prescription, quantity: int) -> None:
    """Subtract the returned quantity from the line; a line that was stopped or held keeps its status."""
    if line.status in ("completed", *locked_lines.DISPENSABLE):
        locked_lines.apply_movement(line, -quantity)
    else:
        line.quantity_dispensed -= quantity
        line.increment_version()


def _correct_charge(
    given: Dispense, line: Prescription, quantity: int, kept: int, reason: str, by: Person
) -> credits.ChargeUndone:
    """Undo the charge of the returned `quantity`; on a draft the `kept` rest is charged again."""
    undone = credits.undo_charge(source="dispense", source_id=given.id, quantity=quantity, reason=reason, by=by)
    if undone is not credits.ChargeUndone.OFF_DRAFT or not kept:
        return undone
    medicine = get_or_not_found(Medication, given.medication_id)
    add_charge(
        given.patient_id,
        price_item_id=medicine.price_item_id,
        description=product_text.full_name(medicine),
        quantity=kept,
        source="dispense",
        source_id=given.id,
        encounter_id=line.encounter_id,
        by=by,
    )
    return undone
