"""Rules of dispensing: quantities owing, chosen batches, returns, and the state of a line."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.pharmacy.stock.allocation import Batch, check_quantity

LOOK_BACK_DAYS = 7
"""Days within which a repeated dispense of the same medicine shows a warning."""


class LineState(StrEnum):
    WAITING = "waiting"
    PART_DISPENSED = "part_dispensed"
    DISPENSED = "dispensed"


def check_dispense(quantity: int, ordered: int, given: int) -> None:
    """`RuleBroken` when `quantity` is more than the quantity owing on the prescription."""
    check_quantity(quantity)
    if quantity > ordered - given:
        message = N_("Only %(left)s more can be dispensed on this prescription. Ask the prescriber for more.")
        raise RuleBroken(message, "quantity", code="more_than_ordered", left=max(ordered - given, 0))


def check_chosen(batch: Batch, quantity: int, today: date, reason: str = "", *, is_first: bool = True) -> None:
    """Check a batch that the pharmacist chose: not expired, enough in stock, a reason when another batch expires first."""
    check_quantity(quantity)
    if batch.expires is not None and batch.expires <= today:
        raise RuleBroken(
            N_("This batch is expired. Choose another batch and write this one off."), "batch", code="expired"
        )
    if quantity > batch.on_hand:
        message = N_("This batch has only %(left)s. Use another batch for the rest.")
        raise RuleBroken(message, "quantity", code="short", left=max(batch.on_hand, 0))
    if not is_first and not reason.strip():
        raise RuleBroken(N_("Another batch expires first. Enter the reason for using this one."), "reason")


def check_return(quantity: int, given: int, already_returned: int, reason: str) -> None:
    """`RuleBroken` when more is returned than was dispensed and not yet returned, or when the reason is missing."""
    check_quantity(quantity)
    if quantity > given - already_returned:
        message = N_("Only %(left)s can be returned.")
        raise RuleBroken(message, "quantity", code="more_than_given", left=max(given - already_returned, 0))
    if not reason.strip():
        raise RuleBroken(N_("Enter the reason for the return."), "reason")


def remaining_quantity(ordered: int, given: int) -> int:
    """The quantity owing to the patient."""
    return max(ordered - given, 0)


def line_state(ordered: int, given: int) -> LineState:
    """The state of a prescription line by its quantities."""
    if given <= 0:
        return LineState.WAITING
    return LineState.PART_DISPENSED if remaining_quantity(ordered, given) else LineState.DISPENSED
