"""Lists that are whole in memory: filtered and sorted by the arguments that `parameters.py` declares.

`filter_rows` and `order_rows` do for such lists what `filter_by_columns` and `ordered` do for a SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

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


def order_rows(rows: Iterable[R], arguments: dict[str, Any], /, **read: Callable[[R], Any]) -> list[R]:
    """The rows sorted by the argument `ordering`, those without a value last; as they are without the argument."""
    if "ordering" not in arguments:
        return list(rows)
    value_of = read[arguments["ordering"].removeprefix("-")]
    with_value = [row for row in rows if value_of(row) is not None]
    without = [row for row in rows if value_of(row) is None]
    return sorted(with_value, key=value_of, reverse=arguments["ordering"].startswith("-")) + without
