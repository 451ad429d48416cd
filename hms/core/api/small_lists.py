"""Lists that are whole in memory: filtered and sorted by the arguments that `parameters.py` declares.

`filter_rows` and `order_rows` do for such lists what `filter_by_columns` and `ordered` do for a SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from hms.core.db.keyset import Place
from hms.core.web.parameters import bounds

R = TypeVar("R")


def filter_rows(
    rows: Iterable[R],
    arguments: dict[str, Any],
    /,
    *,
    on: Callable[[R], datetime | None] | None = None,
    **read: Callable[[R], Any],
) -> list[R]:
    """The rows that have the values of the arguments named in `read`, and an instant (`on`) in the days of `DAYS`."""
    equal = {name: arguments[name] for name in read if arguments.get(name) is not None}
    days = bounds(arguments)
    return [
        row
        for row in rows
        if all(read[name](row) == value for name, value in equal.items()) and (on is None or days.include(on(row)))
    ]


@dataclass(frozen=True)
class OrderedList(Generic[R]):
    """Sorted rows in memory, to be read page by page as a `keyset.OrderedSelect` is.

    `key` makes the sort values of a row: the value to sort by, of which None is last, then its place among equal ones,
    which ascends and is unique.
    """

    rows: list[R]
    key: Callable[[R], tuple[Any, ...]]
    is_descending: bool = False

    def fetch_page(self, limit: int, offset: int) -> Sequence[R]:
        """At most `limit` rows after the first `offset`."""
        return self.rows[offset : offset + limit]

    def fetch_after(self, place: Place | None, limit: int, *, count: int | None = None) -> Sequence[R]:
        """At most `limit` rows after `place`; or the nearest before it, the last first."""
        if place is None:
            return self.rows[:limit]
        if place.is_backward:
            return [row for row in reversed(self.rows) if self._is_before(self.key(row), place.values)][:limit]
        return [row for row in self.rows if self._is_before(place.values, self.key(row))][:limit]

    def _is_before(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        if one[0] == other[0]:
            return one[1:] < other[1:]
        if one[0] is None or other[0] is None:
            return other[0] is None
        return one[0] > other[0] if self.is_descending else one[0] < other[0]

    def get_record(self, row: R) -> R:
        """What the list shows of a fetched row."""
        return row

    def get_place(self, row: R, *, is_backward: bool = False) -> Place:
        """The place of a fetched row."""
        return Place(self.key(row), is_backward)

    def count(self, *, is_exact: bool = False) -> int:
        """The number of all rows."""
        return len(self.rows)


def order_rows(
    rows: Iterable[R],
    arguments: dict[str, Any],
    /,
    natural: Callable[[R], tuple[Any, ...]],
    **read: Callable[[R], Any],
) -> OrderedList[R]:
    """The rows sorted by the argument `ordering`, those without a value last; as they are without the argument.

    `natural` makes values by which the rows, as they are, ascend, and which no two rows share.
    """
    if "ordering" not in arguments:
        return OrderedList(list(rows), lambda row: (0, *natural(row)))
    value_of, is_descending = read[arguments["ordering"].removeprefix("-")], arguments["ordering"].startswith("-")
    rows = list(rows)
    with_value = [row for row in rows if value_of(row) is not None]
    without = [row for row in rows if value_of(row) is None]
    in_order = sorted(with_value, key=value_of, reverse=is_descending) + without
    return OrderedList(in_order, lambda row: (value_of(row), *natural(row)), is_descending)
