"""Numbers without gaps or repeats: taken from a locked counter row in the transaction that uses them.

A number taken by a transaction that fails is given out again, which a database sequence cannot do.
"""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from .db import db


class NumberSeries(db.Model):  # type: ignore[name-defined]
    """The last number given out of a series, e.g. "bill:2026"."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger)


def take(series: str) -> int:
    """The next number of `series`, from 1. Others who want one wait until this transaction ends: take it last."""
    return take_many(series, 1)[0]


def take_many(series: str, count: int) -> range:
    """The next `count` (at least 1) numbers of `series`, in one go."""
    first = insert(NumberSeries).values(series=series, last_number=count)
    following = first.on_conflict_do_update(
        index_elements=[NumberSeries.series], set_={"last_number": NumberSeries.last_number + count}
    )
    last = db.session.execute(following.returning(NumberSeries.last_number)).scalar_one()
    return range(last - count + 1, last + 1)
