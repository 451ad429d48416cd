"""The number of rows of a list, without counting a large table at each look.

Up to `MAX_EXACT` rows are counted. Beyond that the planner's estimate of the same statement is used, with all its filters
and conditions of access, so that nobody learns of rows that they may not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.expression import Executable

from hms.core.db.session import db

MAX_EXACT = 10_000
"""Up to this number rows are counted exactly."""
SIGNIFICANT_DIGITS = 2
"""An estimate is rounded to these digits, because the planner knows no more: 98,000, not 97,812."""


class EstimatedCount(int):
    """An estimated number of rows, at least `MAX_EXACT`. Pages write "about" before it, the API sends a header."""

    is_estimated = True


class _Explain(Executable, ClauseElement):
    """EXPLAIN of a statement (the recipe of SQLAlchemy's documentation of custom SQL constructs)."""

    inherit_cache = False

    def __init__(self, statement: Select) -> None:
        self.statement = statement


@compiles(_Explain, "postgresql")
def _compile_explain(element: _Explain, compiler: Any, **kwargs: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **kwargs)


def select_bounded_count(rows: Select) -> Select:
    """The SELECT of the number of `rows`, at most `MAX_EXACT` + 1."""
    return select(func.count()).select_from(rows.order_by(None).limit(MAX_EXACT + 1).subquery())


def count_rows(rows: Select, values: Mapping[str, Any] | None = None, *, is_exact: bool = False) -> int:
    """The number of `rows`: exact up to `MAX_EXACT`, an `EstimatedCount` beyond it unless `is_exact`.

    `values` are those of its bound parameters.
    """
    if is_exact:
        count = select(func.count()).select_from(rows.order_by(None).subquery())
        return db.session.execute(count, values or {}).scalar_one()
    count = db.session.execute(select_bounded_count(rows), values or {}).scalar_one()
    return count if count <= MAX_EXACT else estimate_rows(rows, values)


def estimate_rows(rows: Select, values: Mapping[str, Any] | None = None) -> EstimatedCount:
    """The planner's estimate of the number of `rows`, which are known to be more than `MAX_EXACT`."""
    connection = db.session.connection()
    plan = connection.execute(_Explain(rows.order_by(None)), values or {}).scalar_one()
    return round_estimate(plan[0]["Plan"]["Plan Rows"])


def round_estimate(rows: int) -> EstimatedCount:
    """`rows` with `SIGNIFICANT_DIGITS`, and no less than `MAX_EXACT`."""
    return EstimatedCount(max(MAX_EXACT, round(rows, SIGNIFICANT_DIGITS - len(str(rows)))))
