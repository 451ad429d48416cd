"""Recalculates every total of money and stock from its single entries, and checks documents, numbers, tills and reports.

Each check is one query that returns a row for each discrepancy, with three columns: `subject` (the bill, till or batch),
the `stored` figure and the `recomputed` one. Correct records return no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import text

from hms.core import clock
from hms.core.db.session import db
from hms.core.money import currency_decimals

from . import amount_checks, bill_checks, document_checks, number_checks, stock_checks, till_checks, total_checks

CHECKS = bill_checks.CHECKS | till_checks.CHECKS | number_checks.CHECKS | document_checks.CHECKS | stock_checks.CHECKS
MORE_DECIMALS = "the amount has more decimals than the currency"
ROWS_PER_FETCH = 500
"""Rows fetched at a time, so that very many discrepancies do not fill the memory."""


def find_discrepancies(day: date | None = None) -> Iterator[str]:
    """Yield a sentence for each figure that does not match. `day` limits bills, tills, documents and dispensing to one
    hospital day; stock and number series are always checked in full."""
    start, end = (
        clock.day_bounds(day)
        if day
        else clock.day_bounds(date(1900, 1, 1))[:1] + clock.day_bounds(date(2199, 1, 1))[1:]
    )
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    values = {"start": start, "end": end, "decimals": currency_decimals(), "zone": clock.zone().key}
    for description, query in (CHECKS | {MORE_DECIMALS: amount_checks.amount_check()} | total_checks.checks()).items():
        statement = text(query).execution_options(yield_per=ROWS_PER_FETCH)
        with db.session.execute(statement, values) as rows:
            for row in rows.mappings():
                yield _describe(description, row)


def _describe(description: str, row: Any) -> str:
    figures = f" (stored {row['stored']}, recalculated {row['recomputed']})"
    return f"{row['subject']}: {description}{'' if row['stored'] is row['recomputed'] is None else figures}"
