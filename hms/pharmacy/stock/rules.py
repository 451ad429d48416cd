"""The stock ledger: every movement is a signed line, and the lines of a batch add up to what is on the shelf."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

from .allocation import MAX_UNITS, Batch

USE_DAYS = 90


class Kind(StrEnum):
    RECEIPT = "receipt"
    DISPENSE = "dispense"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    COUNT = "count"


KIND_WORDS = {
    Kind.RECEIPT: _l("Received"),
    Kind.DISPENSE: _l("Dispensed"),
    Kind.RETURN: _l("Returned by patient"),
    Kind.ADJUSTMENT: _l("Adjusted"),
    Kind.WRITE_OFF: _l("Written off"),
    Kind.COUNT: _l("Counted"),
}
COMES = frozenset({Kind.RECEIPT, Kind.RETURN})
LEAVES = frozenset({Kind.DISPENSE, Kind.WRITE_OFF})
NEEDS_REASON = frozenset({Kind.RETURN, Kind.ADJUSTMENT, Kind.WRITE_OFF})


class StockFlags(NamedTuple):
    """What a row of the stock page warns of. Expired stock counts as no stock."""

    is_out: bool
    is_below_reorder: bool
    is_near_expiry: bool
    has_expired: bool


def signed(kind: Kind, quantity: int) -> int:
    """The ledger's change for a quantity as a person enters it: what leaves becomes negative."""
    return -quantity if kind in LEAVES else quantity


def check_movement(kind: Kind, change: int, on_hand: int, reason: str = "") -> int:
    """What is on hand afterwards; `RuleBroken` on `quantity` or `reason` when the movement may not be written."""
    if isinstance(change, bool) or not isinstance(change, int) or abs(change) > MAX_UNITS:
        raise RuleBroken(N_("Enter a whole quantity from 1 to 100,000."), "quantity")
    if (kind in COMES and change <= 0) or (kind in LEAVES and change >= 0) or (kind == Kind.ADJUSTMENT and change == 0):
        raise RuleBroken(N_("Enter a quantity above zero."), "quantity")
    if on_hand + change < 0:
        message = N_("Only %(left)s in stock. Check the quantity.")
        raise RuleBroken(message, "quantity", code="short", left=on_hand)
    if (kind in NEEDS_REASON or (kind == Kind.COUNT and change)) and not reason.strip():
        raise RuleBroken(N_("Enter the reason for the stock change."), "reason")
    return on_hand + change


def counted(found: int, on_hand: int) -> int:
    """The change that a count of `found` units writes into the ledger."""
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= MAX_UNITS:
        raise RuleBroken(N_("Enter the counted quantity, as a whole number from 0."), "quantity")
    return found - on_hand


def usable(batches: Iterable[Batch], today: date) -> int:
    """Units on hand that are not expired."""
    return sum(batch.on_hand for batch in batches if batch.expires is None or batch.expires > today)


def flags(batches: Iterable[Batch], reorder_level: int, today: date, near_days: int = 90) -> StockFlags:
    """What to warn of; at the reorder level it is time to order."""
    held = [batch for batch in batches if batch.on_hand > 0]
    left = [(batch.expires - today).days for batch in held if batch.expires is not None]
    good = usable(held, today)
    return StockFlags(
        is_out=good == 0,
        is_below_reorder=good <= reorder_level,
        is_near_expiry=any(0 < days <= near_days for days in left),
        has_expired=any(days <= 0 for days in left),
    )


def days_left(on_hand: int, used: int, days_in_stock: int = USE_DAYS) -> int | None:
    """For how many whole days the stock lasts at the mean daily use; None when nothing was used.

    `used` units left in `days_in_stock` days; days without stock do not count, as they would hide the need.
    """
    if used <= 0 or days_in_stock <= 0:
        return None
    return max(on_hand, 0) * days_in_stock // used
