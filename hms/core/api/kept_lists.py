"""Busy lists of the API whose statements are built once for each kind of reader, set of filters, and order.

Building a SELECT with the conditions of access takes longer than the database needs to answer it. Values are bound
parameters; a `KeptList` declares what a list filters and sorts by, as `filter_by_columns` and `ordered` do for others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam

from hms.core.db import row_counts
from hms.core.db.keyset import Order, OrderedSelect, Part, select_part
from hms.core.web.parameters import BoundsShape, bounds, get_order


@dataclass(frozen=True, eq=False)
class KeptList:
    """The list of `select`, a function of the kind of reader that returns a SELECT of several columns.

    `filters` are columns by parameter, or functions of the value that return a condition; `days` are the columns that the days
    of a list may be about, by the name that the caller of `rows` uses.
    """

    select: Callable[..., Select]
    record_id: Any
    filters: Mapping[str, Any]
    days: Mapping[str, Any]
    orders: Mapping[str, Any]

    def rows(self, arguments: dict[str, Any], values: dict[str, Any], *, on: str, **kind: Hashable) -> OrderedSelect:
        """The rows with these arguments; `kind` are the arguments of `select`, `values` its bound parameters."""
        names = frozenset(name for name in self.filters if arguments.get(name) is not None)
        days = bounds(arguments)
        shape = _Shape(tuple(sorted(kind.items())), names, on, days.shape())
        ordering = arguments.get("ordering", "-id")
        filtered = {f"filter_{name}": arguments[name] for name in names}
        return OrderedSelect(
            _order(self, ordering),
            lambda part, is_backward: _page(self, shape, ordering, part, is_backward),
            lambda: _filtered(self, shape),
            values | filtered | days.values(),
            is_kept=True,
        )


class _Shape(NamedTuple):
    """What changes the text of a list's statement, besides its order."""

    kind: tuple[tuple[str, Hashable], ...]
    filters: frozenset[str]
    on: str
    days: BoundsShape


def _order(kept: KeptList, ordering: str) -> Order:
    return get_order(ordering, kept.record_id, kept.orders)


@cache
def _page(kept: KeptList, shape: _Shape, ordering: str, part: Part, is_backward: bool) -> Select:
    rows = _filtered(kept, shape)
    if part is Part.ALL:
        rows = rows.add_columns(row_counts.select_bounded_count(rows).scalar_subquery().label("whole"))
    is_whole = not shape.filters and shape.days == BoundsShape(has_first=False, has_end=False)
    return select_part(rows, _order(kept, ordering), part, is_backward=is_backward, keeps_plan=is_whole)


@cache
def _filtered(kept: KeptList, shape: _Shape) -> Select:
    conditions = [_condition(kept.filters[name], bindparam(f"filter_{name}")) for name in sorted(shape.filters)]
    days = shape.days.conditions(kept.days[shape.on])
    return kept.select(**dict(shape.kind)).where(*conditions, *days)


def _condition(column: Any, value: Any) -> Any:
    return column == value if hasattr(column, "type") else column(value)
