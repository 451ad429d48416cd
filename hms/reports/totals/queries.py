"""Reads of the totals: exact at each moment, also while days are made again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import Unavailable
from hms.core.money import Money
from hms.core.text.translation import N_
from hms.reports.period import Period

from . import statements
from .measures import Measure

EVER: tuple[date | None, date | None] = (None, None)
"""All days: past, today and coming."""


class TotalRows:
    """The rows of a statement of totals by period and measure, grouped once, because a page asks for many."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows: dict[tuple[int, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row.n, row.measure), []).append(row)

    def of(self, measure: Measure, n: int = 1, *, keys: Collection[str] | None = None) -> list[Row]:
        """The rows of a measure in the period `n`; with `keys`, only those under these."""
        rows = self._rows.get((n, measure.name), [])
        return rows if keys is None else [row for row in rows if row.key in keys]


def read_totals(measures: Sequence[Measure], *periods: Period | None, by_month: bool = False) -> TotalRows:
    """Number and amount by measure and key: rows of n, measure, month, key, number, amount.

    `n` is the number of the period, from 1; None stands for all days. `month` is None unless `by_month`. One statement, so
    that all figures are of one moment.
    """
    return TotalRows(execute(statements.select_totals(tuple(measures), by_month=by_month), *periods))


def execute(statement: str, *periods: Period | None, **values: Any) -> Sequence[Row]:
    """The rows of a statement that begins with `statements.with_totals`.

    Raises `Unavailable` when the records take too long to be added up, which happens only while very many days are not
    settled: after an update of the program, or after a change of the time zone.
    """
    days = [EVER if over is None else (over.first, over.until) for over in periods]
    bounds = {"firsts": [first for first, _until in days], "untils": [until for _first, until in days]}
    try:
        return db.session.execute(statements.selection(statement), bounds | {"zone": clock.zone().key} | values).all()
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise Unavailable(N_("The totals are being made. Try again in a few minutes.")) from error
        raise


def number_of(rows: TotalRows, measure: Measure, n: int = 1, *, keys: Collection[str] | None = None) -> int:
    """The number of records of a measure in the period `n`; with `keys`, only under these."""
    return sum(row.number for row in rows.of(measure, n, keys=keys))


def amount_of(rows: TotalRows, measure: Measure, n: int = 1, *, keys: Collection[str] | None = None) -> Money:
    """The sum of a measure in the period `n`; with `keys`, only under these."""
    return Money(sum((row.amount for row in rows.of(measure, n, keys=keys)), Decimal(0)))


def by_key(rows: TotalRows, measure: Measure, n: int = 1) -> dict[str, Money]:
    """The sums of a measure in the period `n`, by key."""
    sums: dict[str, Decimal] = {}
    for row in rows.of(measure, n):
        sums[row.key] = sums.get(row.key, Decimal(0)) + row.amount
    return {key: Money(amount) for key, amount in sums.items()}


def median_of(rows: TotalRows, measure: Measure, n: int = 1) -> int | None:
    """The median of keys that are whole numbers, each as often as its number of records; None without records.

    Of an even number of records it is between the middle two, rounded. Each is a whole number, so the median of waits is
    exact to the minute.
    """
    numbers = sorted((int(row.key), row.number) for row in rows.of(measure, n))
    count = sum(number for _key, number in numbers)
    if not count:
        return None
    middle, passed = [], 0
    for key, number in numbers:
        places = range(passed + 1, passed + number + 1)
        middle += [key for place in ((count + 1) // 2, count // 2 + 1) if place in places]
        passed += number
    return round(sum(middle) / 2)
