"""Stock adjustments and write-offs; each needs a reason."""

from __future__ import annotations

from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.pharmacy.models import Batch, StockMovement

from . import allocation, rules
from .ledger import record_movement


@action(Permission.ADJUST_STOCK, "pharmacy.adjust")
def adjust(
    batch_id: int,
    new_quantity: int,
    reason: str,
    *,
    seen: int | None = None,
    kind: rules.MovementKind = rules.MovementKind.ADJUSTMENT,
    by: Person,
) -> StockMovement:
    """Set a batch to the counted quantity. `seen` is the quantity on the page; `Conflict` when it has changed since."""
    batch = get_for_update(Batch, batch_id)
    if seen is not None and seen != batch.quantity:
        message = N_("Stock has changed: the recorded quantity is now %(left)s. Count again.")
        raise Conflict(message, "quantity", code="stock_changed", left=batch.quantity)
    difference = rules.change_after_count(new_quantity, batch.quantity)
    return _move(batch, difference, reason, kind, by)


@action(Permission.ADJUST_STOCK, "pharmacy.change")
def change(
    batch_id: int, difference: int, reason: str, *, kind: rules.MovementKind = rules.MovementKind.ADJUSTMENT, by: Person
) -> StockMovement:
    """Add `difference` to a batch; a negative one is subtracted."""
    return _move(get_for_update(Batch, batch_id), difference, reason, kind, by)


def _move(batch: Batch, difference: int, reason: str, kind: rules.MovementKind, by: Person) -> StockMovement:
    if not difference:
        raise RuleBroken(N_("The batch already has this quantity."), "quantity")
    rules.check_movement(kind, difference, batch.quantity, reason)
    return record_movement(batch, kind, difference, reason.strip(), by)


@action(Permission.ADJUST_STOCK, "pharmacy.write_off")
def write_off(batch_id: int, quantity: int | None = None, *, reason: str, by: Person) -> StockMovement:
    """Remove `quantity` (all when None) of a batch from stock: damaged, expired, lost."""
    batch = get_for_update(Batch, batch_id)
    removed = batch.quantity if quantity is None else quantity
    if not batch.quantity:
        raise RuleBroken(N_("This batch is empty."), "quantity")
    allocation.check_quantity(removed)
    rules.check_movement(rules.MovementKind.WRITE_OFF, -removed, batch.quantity, reason)
    return record_movement(batch, rules.MovementKind.WRITE_OFF, -removed, reason.strip(), by)
