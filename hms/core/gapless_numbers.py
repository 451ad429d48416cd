"""Numbers without gaps or repeats: taken from a locked counter row in the transaction that uses them.

A number taken by a transaction that fails is given out again, which a database sequence cannot do.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, mapped_column

from .db.session import db


class NumberSeries(db.Model):  # type: ignore[name-defined]
    """The last number given out of a series, e.g. "bill:2026"."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)


def next_number(series: str) -> int:
    """The next number of `series`, from 1. Others who want one wait until this transaction ends: take it last."""
    return next_numbers([series])[0]


def next_numbers(series: list[str]) -> list[int]:
    """The next number of each of several series, in one go. Name them in the same order wherever they are taken together:
    the counters are locked in that order."""
    return _take_numbers(series, 1)


def reserve_numbers(series: str, count: int) -> range:
    """The next `count` (at least 1) numbers of `series`, in one go."""
    last = _take_numbers([series], count)[0]
    return range(last - count + 1, last + 1)


def _take_numbers(series: list[str], count: int) -> list[int]:
    with db.session.no_autoflush:
        return db.session.execute(_increment_statement(series, count)).scalars().all()


def _increment_statement(series: Any, count: Any) -> Any:
    rows = NumberSeries.__table__
    wanted = func.unnest(cast(series, ARRAY(Text))).table_valued("of", with_ordinality="place").render_derived()
    first = insert(rows).from_select(
        ["series", "last_number"], select(wanted.c.of, cast(count, BigInteger)).order_by(wanted.c.place)
    )
    more = {"last_number": rows.c.last_number + first.excluded.last_number}
    return first.on_conflict_do_update(index_elements=[rows.c.series], set_=more).returning(rows.c.last_number)
