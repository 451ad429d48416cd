"""Chooses the batches for a quantity: first expiry first out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence

MAX_UNITS = 100_000


class Batch(NamedTuple):
    """The columns of a batch that allocation needs; `expires` is its last day of use, None when it is not recorded."""

    batch_id: int
    on_hand: int
    expires: date | None
    lot: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """`picks` are (batch id, quantity) in the order to take them; `short` is the quantity that is not in stock.

    `skipped` are (batch id, reason) of batches that have stock but may not be used.
    """

    picks: list[tuple[int, int]]
    short: int
    skipped: list[tuple[int, Sentence]]


def allocate(quantity: int, batches: Iterable[Batch], today: date, course_days: int = 0) -> Allocation:
    """Allocate `quantity` to batches, first expiry first out; a batch must not expire during the course.

    Of two batches with the same expiry the lower id is first; batches without an expiry are last. `RuleBroken` at
    `quantity` when it is not valid.
    """
    check_quantity(quantity)
    picks: list[tuple[int, int]] = []
    skipped: list[tuple[int, Sentence]] = []
    left = quantity
    for batch in sorted(batches, key=lambda b: (b.expires or date.max, b.batch_id)):
        if batch.on_hand <= 0:
            continue
        if reason := unusable_reason(batch.expires, today, course_days):
            skipped.append((batch.batch_id, reason))
        elif left:
            picks.append((batch.batch_id, min(left, batch.on_hand)))
            left -= picks[-1][1]
    return Allocation(picks, left, skipped)


def unusable_reason(expires: date | None, today: date, course_days: int = 0) -> Sentence | None:
    """Why a batch may not be dispensed for a course that starts today; None when it may."""
    if expires is None or (expires - today).days > course_days:
        return None
    if expires < today:
        return Sentence(N_("expired"))
    if expires == today:
        return Sentence(N_("expires today"))
    return Sentence(N_("expires on day %(day)s of %(days)s"), day=(expires - today).days, days=course_days)


def check_quantity(quantity: int) -> None:
    """`RuleBroken` unless the quantity is a whole number of dispensing units from 1 to 100,000."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_UNITS:
        raise RuleBroken(N_("Enter a whole quantity from 1 to 100,000."), "quantity")
