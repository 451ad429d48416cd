"""The number of rows of a list, without counting a large table at each look.

Up to `MAX_EXACT` rows are counted. Beyond that the planner's estimate of the same statement is used, with all its filters
and conditions of access, so that nobody learns of rows that they may not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.ext.compiler import compiles

from hms.core.db.session import db

MAX_EXACT = 10_000
"""Up to this number rows are counted exactly."""
SIGNIFICANT_DIGITS = 2
"""An estimate is rounded to these digits, because the planner knows no more: 98,000, not 97,812."""


class EstimatedCount(int):
    """An estimated number of rows, at least `MAX_EXACT`. Pages write "about" before it, the API sends a header."""

    is_estimated = True


class _Explain(Select):
    """A SELECT that is explained, not executed (SQLAlchemy's manual: custom SQL constructs). Its text is cached as any other."""

    inherit_cache = True


@compiles(_Explain, "postgresql")
def _compile_explain(element: _Explain, compiler: Any, **kwargs: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.visit_select(element, **kwargs)


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


def estimate_rows(rows: Select, values: Mapping[str, Any] | None = None, *, is_kept: bool = False) -> EstimatedCount:
    """The planner's estimate of the number of `rows`, which are known to be more than `MAX_EXACT`.

    With `is_kept` the statement is kept for the next time: `rows` must then be a SELECT that is kept itself.
    """
    explained = _kept_explain(rows) if is_kept else _explain(rows)
    plan = db.session.execute(explained, values or {}).scalar_one()
    return round_estimate(plan[0]["Plan"]["Plan Rows"])


def _explain(rows: Select) -> _Explain:
    return _Explain(literal_column("1")).select_from(rows.order_by(None).subquery())


_kept_explain = cache(_explain)


def round_estimate(rows: int) -> EstimatedCount:
    """`rows` with `SIGNIFICANT_DIGITS`, and no less than `MAX_EXACT`."""
    return EstimatedCount(max(MAX_EXACT, round(rows, SIGNIFICANT_DIGITS - len(str(rows)))))
