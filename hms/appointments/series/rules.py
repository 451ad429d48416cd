"""The dates of a recurring booking."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from hms.appointments.bookings.rules import MAX_ADVANCE
from hms.appointments.enums import RepeatUnit
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_EVERY = 52
MAX_TIMES = 60


class Pattern(NamedTuple):
    """Every so many days or weeks, as often as `times` says with the first booking, or until a day that is included."""

    every: int
    unit: RepeatUnit
    times: int | None = None
    until: date | None = None


def list_dates(first: date, pattern: Pattern) -> list[date]:
    """The dates after the `first`; raises `RuleBroken` for a pattern that has none, or too many."""
    if not 1 <= pattern.every <= MAX_EVERY:
        raise RuleBroken(N_("Enter a number from 1 to %(most)s."), "every", most=MAX_EVERY)
    if (pattern.times is None) == (pattern.until is None):
        raise RuleBroken(N_("Enter how often, or the last day: one of the two."), "times")
    if pattern.times is not None and not 2 <= pattern.times <= MAX_TIMES:
        raise RuleBroken(N_("Enter a number from 2 to %(most)s."), "times", most=MAX_TIMES)
    if pattern.until is not None and not timedelta() < pattern.until - first <= MAX_ADVANCE:
        raise RuleBroken(N_("The last day must be after the appointment, at most two years."), "until")
    step = timedelta(days=pattern.every * (7 if pattern.unit is RepeatUnit.WEEKS else 1))
    count = pattern.times - 1 if pattern.times is not None else (pattern.until - first) // step
    if not 1 <= count < MAX_TIMES:
        raise RuleBroken(
            N_("That gives %(count)s more dates. It must be 1 to %(most)s."), "until", count=count, most=MAX_TIMES - 1
        )
    return [first + step * number for number in range(1, count + 1)]
