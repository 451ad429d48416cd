"""Numbers without gaps or repeats: taken from a locked counter row in the transaction that uses them.

A number taken by a transaction that fails is given out again, which a database sequence cannot do.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from .db import db
from .statements import built_once


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
    with db.session.no_autoflush:
        last = _following(series, count).scalar_one()
    return range(last - count + 1, last + 1)


@built_once
def _following(of: Any, count: Any) -> Any:
    rows = NumberSeries.__table__
    first = insert(rows).values(series=of, last_number=count)
    more = {"last_number": rows.c.last_number + first.excluded.last_number}
    return first.on_conflict_do_update(index_elements=[rows.c.series], set_=more).returning(rows.c.last_number)
