"""What must be true of dispensing: which batches a medicine leaves from, and how much may leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from hms.core.errors import RuleBroken
from hms.core.words import Sentence, _

MOST_UNITS = 100_000
LOOK_BACK_DAYS = 7
"""A medicine given again within a week raises a question, as in OpenMRS 3."""


class Batch(NamedTuple):
    """A batch as allocation sees it; `expires` is its last day of use, None when the pack names none, `lot` its number."""

    batch_id: int
    on_hand: int
    expires: date | None
    lot: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """`picks` are (batch id, quantity) in the order to take them; `short` is what no batch can give.

    `skipped` are (batch id, sentence why) for batches that hold stock but may not be used.
    """

    picks: list[tuple[int, int]]
    short: int
    skipped: list[tuple[int, Sentence]]


class LineState(StrEnum):
    WAITING = "waiting"
    PART_DISPENSED = "part_dispensed"
    DISPENSED = "dispensed"


def allocate(quantity: int, batches: Iterable[Batch], today: date, course_days: int = 0) -> Allocation:
    """First expiry first out, over as many batches as it takes; a batch must outlast the course.

    Of two batches with one expiry the lower id goes first, those without an expiry last. Raises `RuleBroken` on
    `quantity`.
    """
    check_quantity(quantity)
    picks: list[tuple[int, int]] = []
    skipped: list[tuple[int, Sentence]] = []
    left = quantity
    for batch in sorted(batches, key=lambda b: (b.expires or date.max, b.batch_id)):
        if batch.on_hand <= 0:
            continue
        if reason := unfit(batch.expires, today, course_days):
            skipped.append((batch.batch_id, reason))
        elif left:
            picks.append((batch.batch_id, min(left, batch.on_hand)))
            left -= picks[-1][1]
    return Allocation(picks, left, skipped)


def unfit(expires: date | None, today: date, course_days: int = 0) -> Sentence | None:
    """Why a batch may not be given for a course that starts today; None when it may."""
    if expires is None or (expires - today).days > course_days:
        return None
    if expires < today:
        return Sentence(_("expired"))
    if expires == today:
        return Sentence(_("expires today"))
    return Sentence(_("expires on day %(day)s of %(days)s"), day=(expires - today).days, days=course_days)


def check_quantity(quantity: int) -> None:
    """A quantity is a whole number of dispensing units from 1 to 100,000."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MOST_UNITS:
        raise RuleBroken(_("Enter a whole quantity from 1 to 100,000."), "quantity")


def check_dispense(quantity: int, ordered: int, given: int) -> None:
    """Never more than what is still owed on the prescription."""
    check_quantity(quantity)
    if quantity > ordered - given:
        message = _("Only %(left)s more may be given on this prescription. Ask the prescriber for more.")
        raise RuleBroken(message, "quantity", code="more_than_ordered", left=max(ordered - given, 0))


def check_chosen(batch: Batch, quantity: int, today: date, reason: str = "", *, is_first: bool = True) -> None:
    """A batch picked by hand: never an expired one, never more than it holds, with a reason if not the first."""
    check_quantity(quantity)
    if batch.expires is not None and batch.expires <= today:
        raise RuleBroken(
            _("This batch is expired. Choose another one and write this one off."), "batch", code="expired"
        )
    if quantity > batch.on_hand:
        message = _("This batch holds %(left)s. Take the rest from another batch.")
        raise RuleBroken(message, "quantity", code="short", left=max(batch.on_hand, 0))
    if not is_first and not reason.strip():
        raise RuleBroken(_("Another batch expires sooner. Say why this one is given."), "reason")


def check_return(quantity: int, given: int, already_returned: int, reason: str) -> None:
    """What comes back is never more than what was given, and says why."""
    check_quantity(quantity)
    if quantity > given - already_returned:
        message = _("Only %(left)s of this can come back.")
        raise RuleBroken(message, "quantity", code="more_than_given", left=max(given - already_returned, 0))
    if not reason.strip():
        raise RuleBroken(_("Say why it comes back."), "reason")


def owing(ordered: int, given: int) -> int:
    """What is still owed to the patient."""
    return max(ordered - given, 0)


def line_state(ordered: int, given: int) -> LineState:
    """Where a prescription line stands, from its quantities alone."""
    if given <= 0:
        return LineState.WAITING
    return LineState.PART_DISPENSED if owing(ordered, given) else LineState.DISPENSED


def is_given_lately(last_given: date | None, today: date, days: int = LOOK_BACK_DAYS) -> bool:
    """True when the same medicine was given to the patient within the last `days` days."""
    return last_given is not None and 0 <= (today - last_given).days <= days
