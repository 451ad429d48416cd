"""Receiving stock: goods receipts, single batches, and opening stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from hms.core import clock, drafts, gapless_numbers
from hms.core.actions import action
from hms.core.db.folding import folded
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.medicines.actions import set_opening_stock_handler
from hms.formulary.models import Medication
from hms.pharmacy.models import Batch, GoodsReceipt, Supplier
from hms.pharmacy.stock import allocation, rules
from hms.pharmacy.stock.expiry import check_received, expiry
from hms.pharmacy.stock.ledger import record_movement

MAX_LINES = 200
OPENING_LOT = "OPENING"
OPENING = N_("Opening stock")
USED_BEFORE = N_("Used before the batch was entered")


@dataclass(frozen=True)
class Received:
    """One line of a goods receipt. `expires_on` is a date or the text on the pack ("1127", "11/27", "nov27")."""

    medication_id: int
    lot_number: str
    expires_on: date | str | None
    quantity: int
    unit_cost: Money | None = None


@action(Permission.RECEIVE_STOCK, "pharmacy.receive_goods")
def receive_goods(
    supplier: str | int | None, invoice_number: str, lines: Sequence[Received], *, draft: str = "", by: Person
) -> GoodsReceipt:
    """Post a goods receipt: the receipt with its number, a batch for every new lot, a stock movement for every line.

    `supplier` is an id or a name (a new name adds a supplier). `RuleBroken` names the field of the line, for example
    `lines.0.expires_on`. `draft` names the person's draft that is deleted with it.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise RuleBroken(N_("Enter at least one line, and at most 200."), "lines")
    days = [_checked(number, line) for number, line in enumerate(lines)]
    taken = gapless_numbers.take_yearly_numbers(["goods"])[0]
    receipt = GoodsReceipt(
        number=f"G-{taken.year}-{taken.number:06d}",
        supplier_id=_supplier(supplier),
        invoice_number=invoice_number.strip(),
        received_at=taken.at,
        received_by_id=by.id,
    )
    db.session.add(receipt)
    db.session.flush()
    batches = _batches(lines, days, receipt.id)
    _book(receipt, lines, batches, by)
    if draft and by.id is not None:
        drafts.delete_draft(by.id, draft)
    return receipt


def _checked(number: int, line: Received) -> date:
    """Check one line; returns its expiry date."""
    try:
        if not line.lot_number.strip():
            raise RuleBroken(N_("Enter the batch as printed on the pack."), "lot_number")
        allocation.check_quantity(line.quantity)
        check_cost(line.unit_cost, "unit_cost")
        day = _day(line.expires_on)
        check_received(day, clock.today(), "expires_on")
        if db.session.get(Medication, line.medication_id) is None:
            raise RuleBroken(N_("Choose a medicine from the list."), "medication_id")
    except RuleBroken as error:
        raise RuleBroken.from_error(error, f"lines.{number}.{error.field}") from error
    return day


def check_cost(cost: Money | None, field: str) -> None:
    """Raise `RuleBroken` on `field` for a cost below zero; None is a cost that nobody entered."""
    if cost is not None and cost < ZERO:
        raise RuleBroken(N_("Enter a cost of zero or more."), field)


def _day(expires_on: date | str | None) -> date:
    if isinstance(expires_on, date):
        return expires_on
    return expiry(expires_on or "", clock.today(), "expires_on")


def _supplier(id_or_name: str | int | None) -> int | None:
    """The id of the supplier, added when the name is new; None when no name was entered."""
    if isinstance(id_or_name, int):
        return get_or_not_found(Supplier, id_or_name).id
    name = (id_or_name or "").strip()
    if not name:
        return None
    by_name = select(Supplier.id).where(func.hms_fold(Supplier.name) == folded(name))
    supplier_id = db.session.scalars(by_name).first()
    if supplier_id is not None:
        return supplier_id
    supplier = Supplier(name=name)
    db.session.add(supplier)
    db.session.flush()
    return supplier.id


def _batches(lines: Sequence[Received], days: Sequence[date], receipt_id: int | None) -> list[Batch]:
    """The batch of each line: the recorded lot, locked, or a new one. `RuleBroken` when a lot has another expiry date."""
    lots = {(line.medication_id, line.lot_number.strip()) for line in lines}
    query = select(Batch).where(Batch.medication_id.in_({medication for medication, _lot in lots}))
    known = {
        (batch.medication_id, batch.lot_number): batch
        for batch in db.session.scalars(query.order_by(Batch.id).with_for_update())
        if (batch.medication_id, batch.lot_number) in lots
    }
    for number in sorted(range(len(lines)), key=lambda n: (lines[n].medication_id, lines[n].lot_number.strip())):
        line, lot = lines[number], lines[number].lot_number.strip()
        batch = known.get((line.medication_id, lot))
        if batch is None:
            batch = Batch(
                medication_id=line.medication_id,
                lot_number=lot,
                expires_on=days[number],
                unit_cost=line.unit_cost,
                receipt_id=receipt_id,
            )
            db.session.add(batch)
            db.session.flush()
            known[line.medication_id, lot] = batch
        elif batch.expires_on != days[number]:
            raise RuleBroken(
                N_("This batch is recorded with another expiry date. Check the pack."), f"lines.{number}.expires_on"
            )
    return [known[line.medication_id, line.lot_number.strip()] for line in lines]


def _book(receipt: GoodsReceipt, lines: Sequence[Received], batches: Sequence[Batch], by: Person) -> None:
    for batch, line in sorted(zip(batches, lines, strict=True), key=lambda pair: (pair[1].medication_id, pair[0].id)):
        record_movement(batch, rules.MovementKind.RECEIPT, line.quantity, "", by, receipt.id)


@action(Permission.RECEIVE_STOCK, "pharmacy.opening_stock")
def opening_stock(
    medication_id: int,
    quantity: int,
    *,
    lot_number: str = "",
    expires_on: date | None = None,
    unit_cost: Money | None = None,
    by: Person,
) -> Batch:
    """Enter stock that was there before HMS was used. Without a lot number the batch is called "OPENING"."""
    allocation.check_quantity(quantity)
    check_received(expires_on, clock.today())
    get_or_not_found(Medication, medication_id)
    lot = lot_number.strip() or OPENING_LOT
    batch = Batch(medication_id=medication_id, lot_number=lot, expires_on=expires_on, unit_cost=unit_cost)
    db.session.add(batch)
    db.session.flush()
    record_movement(batch, rules.MovementKind.RECEIPT, quantity, OPENING, by)
    return batch


@set_opening_stock_handler
def _open_with_medicine(medicine: Medication, quantity: int, by: Person) -> None:
    opening_stock(medicine.id, quantity, by=by)


@action(Permission.RECEIVE_STOCK, "pharmacy.enter_batch")
def enter_batch(
    medication_id: int,
    *,
    lot_number: str,
    expires_on: date,
    received: int,
    left: int | None = None,
    unit_cost: Money | None = None,
    by: Person,
) -> Batch:
    """Enter one batch without a goods receipt. When `left` is less than `received`, a second movement is the difference."""
    if db.session.get(Medication, medication_id) is None:
        raise RuleBroken(N_("This medicine does not exist."), "medication_item")
    if left is not None and left > received:
        raise RuleBroken(N_("The quantity left cannot be more than the quantity received."), "current_quantity")
    check_received(expires_on, clock.today())
    check_cost(unit_cost, "cost_price_per_unit")
    batch = Batch(medication_id=medication_id, lot_number=lot_number, expires_on=expires_on, unit_cost=unit_cost)
    db.session.add(batch)
    db.session.flush()
    record_movement(batch, rules.MovementKind.RECEIPT, received, "", by)
    if left is not None and left < received:
        record_movement(batch, rules.MovementKind.ADJUSTMENT, left - received, USED_BEFORE, by)
    return batch
