"""Rules of stock movements. Each has a sign, and the movements of a batch add up to its quantity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

from .allocation import MAX_UNITS, Batch

USAGE_DAYS = 90


class MovementKind(StrEnum):
    RECEIPT = "receipt"
    DISPENSE = "dispense"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    COUNT = "count"


KIND_LABELS = {
    MovementKind.RECEIPT: _l("Received"),
    MovementKind.DISPENSE: _l("Dispensed"),
    MovementKind.RETURN: _l("Returned by patient"),
    MovementKind.ADJUSTMENT: _l("Adjusted"),
    MovementKind.WRITE_OFF: _l("Written off"),
    MovementKind.COUNT: _l("Counted"),
}
INCREASES = frozenset({MovementKind.RECEIPT, MovementKind.RETURN})
DECREASES = frozenset({MovementKind.DISPENSE, MovementKind.WRITE_OFF})
NEEDS_REASON = frozenset({MovementKind.RETURN, MovementKind.ADJUSTMENT, MovementKind.WRITE_OFF})


class StockFlags(NamedTuple):
    """The warnings in a row of the stock page. Expired stock does not count as stock."""

    is_out: bool
    is_below_reorder: bool
    is_near_expiry: bool
    has_expired: bool


def signed_change(kind: MovementKind, quantity: int) -> int:
    """The change of stock for an entered quantity: negative for a kind that decreases the stock."""
    return -quantity if kind in DECREASES else quantity


def check_movement(kind: MovementKind, change: int, on_hand: int, reason: str = "") -> int:
    """Check a movement; returns the new quantity on hand. `RuleBroken` at `quantity` or `reason`."""
    if isinstance(change, bool) or not isinstance(change, int) or abs(change) > MAX_UNITS:
        raise RuleBroken(N_("Enter a whole quantity from 1 to 100,000."), "quantity")
    has_wrong_sign = (kind in INCREASES and change <= 0) or (kind in DECREASES and change >= 0)
    if has_wrong_sign or (kind == MovementKind.ADJUSTMENT and change == 0):
        raise RuleBroken(N_("Enter a quantity above zero."), "quantity")
    if on_hand + change < 0:
        message = N_("Only %(left)s in stock. Check the quantity.")
        raise RuleBroken(message, "quantity", code="short", left=on_hand)
    if (kind in NEEDS_REASON or (kind == MovementKind.COUNT and change)) and not reason.strip():
        raise RuleBroken(N_("Enter the reason for the stock change."), "reason")
    return on_hand + change


def change_after_count(quantity: int, on_hand: int) -> int:
    """The change of stock after `quantity` units were counted; `RuleBroken` when it is not a whole number from 0."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 <= quantity <= MAX_UNITS:
        raise RuleBroken(N_("Enter the counted quantity, as a whole number from 0."), "quantity")
    return quantity - on_hand


def count_usable(batches: Iterable[Batch], today: date) -> int:
    """Units on hand that are not expired."""
    return sum(batch.on_hand for batch in batches if batch.expires is None or batch.expires > today)


def compute_flags(batches: Iterable[Batch], reorder_level: int, today: date, near_days: int = 90) -> StockFlags:
    """The warnings for a medicine; stock at the reorder level counts as below it."""
    held = [batch for batch in batches if batch.on_hand > 0]
    left = [(batch.expires - today).days for batch in held if batch.expires is not None]
    good = count_usable(held, today)
    return StockFlags(
        is_out=good == 0,
        is_below_reorder=good <= reorder_level,
        is_near_expiry=any(0 < days <= near_days for days in left),
        has_expired=any(days <= 0 for days in left),
    )


def estimate_days_left(on_hand: int, used: int, days_in_stock: int = USAGE_DAYS) -> int | None:
    """The number of whole days that the stock lasts at the average daily use; None when nothing was used.

    `used` is the quantity dispensed in `days_in_stock` days; leave days without stock out, because they lower the average.
    """
    if used <= 0 or days_in_stock <= 0:
        return None
    return max(on_hand, 0) * days_in_stock // used
