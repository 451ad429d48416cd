"""Numbers without gaps or repeats: taken from a locked counter row in the transaction that uses them.

When that transaction rolls back, the next one gets the same number; a database sequence would leave a gap.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import BigInteger, DateTime, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import Mapped, mapped_column

from . import clock
from .db.session import db


class NumberSeries(db.Model):  # type: ignore[name-defined]
    """The last number used of a series, e.g. "bill:2026"."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime | None]


class TakenNumber(NamedTuple):
    """A number and the time it was taken, which is never before the time of the number before it."""

    number: int
    at: datetime


class YearlyNumber(NamedTuple):
    """A number of a series that counts from 1 every year, with its year and the time it was taken."""

    year: int
    number: int
    at: datetime


def next_number(series: str) -> int:
    """The next number of `series`, from 1. Call it last in a transaction: others wait for the series until it ends."""
    return next_numbers([series])[0]


def next_numbers(series: list[str]) -> list[int]:
    """The next number of each of several series, with one statement. Give them in the same order everywhere: the counters
    are locked in that order."""
    return [taken.number for taken in take_numbers(series)]


def take_numbers(series: list[str]) -> list[TakenNumber]:
    """Like `next_numbers`, each with the time for its document: now, or the time of the number before when the system's clock
    was set back since."""
    return _take_numbers(series, 1, clock.now())


def take_yearly_numbers(kinds: list[str]) -> list[YearlyNumber]:
    """`take_numbers` of this year's series of each kind ("bill" in 2026: "bill:2026"). Year and time are of one instant."""
    now = clock.now()
    year = clock.local(now).year
    return [YearlyNumber(year, *taken) for taken in _take_numbers([f"{kind}:{year}" for kind in kinds], 1, now)]


def reserve_numbers(series: str, count: int) -> range:
    """The next `count` (at least 1) numbers of `series`."""
    last = _take_numbers([series], count, clock.now())[0].number
    return range(last - count + 1, last + 1)


def _take_numbers(series: list[str], count: int, now: datetime) -> list[TakenNumber]:
    with db.session.no_autoflush:
        values = {"names": series, "how_many": count, "now": now}
        return [TakenNumber(*row) for row in db.session.execute(_increment_statement(), values)]


@cache
def _increment_statement() -> Insert:
    counters = NumberSeries.__table__
    wanted = func.unnest(bindparam("names", type_=ARRAY(Text)))
    names = wanted.table_valued("series", with_ordinality="place").render_derived()
    how_many, now = bindparam("how_many", type_=BigInteger), bindparam("now", type_=DateTime(timezone=True))
    new = insert(counters).from_select(
        ["series", "last_number", "taken_at"], select(names.c.series, how_many, now).order_by(names.c.place)
    )
    increment = {
        "last_number": counters.c.last_number + new.excluded.last_number,
        "taken_at": func.greatest(counters.c.taken_at, new.excluded.taken_at),
    }
    upsert = new.on_conflict_do_update(index_elements=[counters.c.series], set_=increment)
    return upsert.returning(counters.c.last_number, counters.c.taken_at)
