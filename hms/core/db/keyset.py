"""Keyset paging: the page after a row is found by the row's sort values, not by counting the rows before it.

A deep page then costs what the first one costs, and rows that are added or changed meanwhile move no other row from one
page to the next. The rows are ordered by one or more columns, all in one direction, of which the last is unique; only the
first may be NULL. NULL is sorted as PostgreSQL does: last, and first in descending order.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, bindparam, tuple_, type_coerce

from hms.core.db import row_counts
from hms.core.db.fixed_words import fixed_number
from hms.core.db.session import db
from hms.core.db.types import MoneyColumn


@dataclass(frozen=True)
class Place:
    """The place of a row in an ordered list: its sort values. The rows after it are meant, or those before it."""

    values: tuple[Any, ...]
    is_backward: bool = False


@dataclass(frozen=True)
class RowPage:
    """The rows of a page in the order of the list, and whether there are rows before and after them."""

    rows: list[Any]
    has_previous: bool
    has_next: bool


def cut_page(fetched: Sequence[Any], limit: int, *, is_first: bool, is_backward: bool) -> RowPage:
    """The page of the at most `limit` + 1 rows that were read: of the first page, after a place, or backwards before one."""
    has_more, rows = len(fetched) > limit, list(fetched[:limit])
    if is_backward:
        return RowPage(rows[::-1], has_more, has_next=True)
    return RowPage(rows, not is_first, has_more)


class Part(enum.Enum):
    """The parts that a page may be read from. Each can use an index in its order; "after A, or NULL" could not."""

    ALL = enum.auto()
    AFTER_VALUE = enum.auto()
    AFTER_NULL = enum.auto()
    NULLS = enum.auto()
    VALUES = enum.auto()


class Order:
    """The columns that a list is ordered by, the last of them unique."""

    def __init__(self, *columns: Any, is_descending: bool = False) -> None:
        self.columns = tuple(
            type_coerce(column, Numeric()) if isinstance(column.type, MoneyColumn) else column for column in columns
        )
        self.is_descending = is_descending
        self.has_nulls = len(columns) > 1 and getattr(columns[0], "nullable", True)

    def reversed(self) -> Order:
        """The same columns in the other direction."""
        return Order(*self.columns, is_descending=not self.is_descending)

    def clauses(self) -> list[Any]:
        """The ORDER BY."""
        return [column.desc() if self.is_descending else column for column in self.columns]

    def place_names(self) -> list[str]:
        """The names of the columns of `select_part` with the sort values, and of the bound parameters of a place."""
        return [_place_name(i) for i in range(len(self.columns))]

    def parts_after(self, place: Place | None) -> list[Part]:
        """Where the rows after `place` are found, one part after the other; all rows without a place."""
        if place is None:
            return [Part.ALL]
        is_descending = self.is_descending != place.is_backward
        if place.values[0] is None:
            return [Part.AFTER_NULL, Part.VALUES] if is_descending else [Part.AFTER_NULL]
        return [Part.AFTER_VALUE, Part.NULLS] if self.has_nulls and not is_descending else [Part.AFTER_VALUE]

    def conditions(self, part: Part) -> list[ColumnElement[bool]]:
        """The conditions of `part`; the values of the place are the bound parameters of `bind_place`."""
        first, *others = self.columns
        compare = operator.lt if self.is_descending else operator.gt
        values = [bindparam(_place_name(i), type_=column.type) for i, column in enumerate(self.columns)]
        if part is Part.AFTER_VALUE:
            return [compare(tuple_(*self.columns), tuple_(*values)) if others else compare(first, values[0])]
        if part is Part.AFTER_NULL:
            return [first.is_(None), compare(tuple_(*others), tuple_(*values[1:]))]
        return {Part.NULLS: [first.is_(None)], Part.VALUES: [first.is_not(None)]}.get(part, [])


def _place_name(number: int) -> str:
    return f"place_{number}"


def bind_place(place: Place | None) -> dict[str, Any]:
    """The values of the bound parameters of `Order.conditions`."""
    return {_place_name(i): value for i, value in enumerate(place.values)} if place else {}


def select_part(
    rows: Select, order: Order, part: Part, *, is_backward: bool = False, keeps_plan: bool = False
) -> Select:
    """`rows` of `part` in order, or backwards, with the sort values (`Order.place_names`); takes `limit` and `offset`.

    With `keeps_plan` these two are written into the statement: PostgreSQL plans a statement with an unknown limit at each use.
    Only for rows without filters, as the best plan for a filter depends on its value.
    """
    direction = order.reversed() if is_backward else order
    places = [column.label(name) for name, column in zip(order.place_names(), order.columns, strict=True)]
    query = rows.add_columns(*places).where(*direction.conditions(part)).order_by(None).order_by(*direction.clauses())
    limit, offset = map(fixed_number if keeps_plan else bindparam, ("limit", "offset"))
    return query.limit(limit).offset(offset)


@dataclass
class OrderedSelect:
    """An ordered SELECT, to be read page by page.

    `statement` makes the SELECT of one part, as `select_part` does; a busy list keeps its statements, and may add the
    bounded count as the column `whole`. `counted` makes the SELECT of the rows to count.
    """

    order: Order
    statement: Callable[[Part, bool], Select]
    counted: Callable[[], Select]
    values: Mapping[str, Any] = field(default_factory=dict)
    is_single: bool = False
    """Whether the SELECT has one entity, which is then the row."""
    is_kept: bool = False
    """Whether `counted` returns the same SELECT each time."""
    whole: int | None = field(default=None, init=False)
    """The number of all rows as the last statement counted it: at most `row_counts.MAX_EXACT` + 1."""

    @classmethod
    def of(cls, rows: Select, order: Order) -> OrderedSelect:
        """`rows` in this order."""

        def statement(part: Part, is_backward: bool) -> Select:
            return select_part(rows, order, part, is_backward=is_backward)

        return cls(order, statement, lambda: rows, is_single=len(rows.column_descriptions) == 1)

    def fetch_page(self, limit: int, offset: int) -> Sequence[Any]:
        """At most `limit` rows after the first `offset`."""
        return self.execute(Part.ALL, {"limit": limit, "offset": offset})

    def fetch_after(self, place: Place | None, limit: int, *, count: int | None = None) -> Sequence[Any]:
        """At most `limit` rows after `place`; or the nearest before it, the last first. `count` is the number of all rows
        as far as it is known."""
        is_backward, rows = place is not None and place.is_backward, []
        for part in self.order.parts_after(place):
            if len(rows) < limit:
                values = {"limit": limit - len(rows), "offset": 0} | bind_place(place)
                rows += self.execute(part, values, is_backward=is_backward)
        return rows

    def execute(self, part: Part, values: dict[str, Any], *, is_backward: bool = False) -> list[Any]:
        """The rows of one part; `values` are the limit, the offset and the place."""
        rows = list(db.session.execute(self.statement(part, is_backward), dict(self.values) | values))
        self.whole = getattr(rows[0], "whole", None) if rows else None
        return rows

    def get_record(self, row: Any) -> Any:
        """What the list shows of a fetched row."""
        return row[0] if self.is_single else row

    def get_place(self, row: Any, *, is_backward: bool = False) -> Place:
        """The place of a fetched row."""
        return Place(tuple(getattr(row, name) for name in self.order.place_names()), is_backward)

    def count(self, *, is_exact: bool = False) -> int:
        """The number of all rows, as `row_counts.count_rows`."""
        if self.whole is None or (is_exact and self.whole > row_counts.MAX_EXACT):
            return row_counts.count_rows(self.counted(), self.values, is_exact=is_exact)
        if self.whole > row_counts.MAX_EXACT:
            return row_counts.estimate_rows(self.counted(), self.values, is_kept=self.is_kept)
        return self.whole
