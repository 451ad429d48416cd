"""Re-adds every total of money and stock from its single entries, and compares papers, numbers and tills with the books.

Each check is one query whose rows are the faults: `what` does not fit, what is `kept` and what comes of adding it up anew.
A hospital whose books fit returns none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import text

from hms.core import clock
from hms.core.db.session import db

from . import bill_checks, document_checks, number_checks, stock_checks, till_checks

CHECKS = bill_checks.CHECKS | till_checks.CHECKS | number_checks.CHECKS | document_checks.CHECKS | stock_checks.CHECKS
AT_ONCE = 500
"""Rows that are fetched at a time: books that were ruined are named without filling the memory."""


def find_discrepancies(day: date | None = None) -> Iterator[str]:
    """Every figure that does not fit, in words; of bills, tills, papers and dispensing of hospital day `day` only, when
    given. Stock and the series of numbers are always checked whole."""
    start, end = (
        clock.day_bounds(day)
        if day
        else clock.day_bounds(date(1900, 1, 1))[:1] + clock.day_bounds(date(2199, 1, 1))[1:]
    )
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    for said, query in CHECKS.items():
        asked = text(query).execution_options(yield_per=AT_ONCE)
        with db.session.execute(asked, {"start": start, "end": end}) as rows:
            for row in rows.mappings():
                yield _in_words(said, row)


def _in_words(said: str, row: Any) -> str:
    figures = f" (kept {row['kept']}, re-added {row['added']})"
    return f"{row['what']}: {said}{'' if row['kept'] is row['added'] is None else figures}"
