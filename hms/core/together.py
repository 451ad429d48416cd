"""Several questions in one statement: sending each by itself costs more than its answer."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Boolean, Date, DateTime, Integer, Label, Numeric, Select, String, Time, cast, func, select
from sqlalchemy.types import NullType, TypeDecorator

_TOLD: dict[type, Callable[[str], Any] | None] = {
    **{Integer: None, String: None, Boolean: None, JSON: None, NullType: None},
    **{Date: date.fromisoformat, Time: time.fromisoformat, DateTime: datetime.fromisoformat, Numeric: Decimal},
}
"""How JSON tells a value of a column: as it is, or as a text to be read."""


class _Rows(TypeDecorator[list[Any]]):
    """Rows that come as one JSON value, read as tuples with names."""

    impl = JSON
    cache_ok = True

    def __init__(self, names: tuple[str, ...] = (), kinds: tuple[type, ...] = ()) -> None:
        super().__init__()
        self.names, self.kinds = names, kinds
        self.row = namedtuple("Row", names)  # type: ignore[misc]
        self.told = [(at, _TOLD[kind]) for at, kind in enumerate(kinds) if _TOLD[kind]]

    def process_result_value(self, value: Any, dialect: Any) -> list[Any]:
        for row in value or ():
            for at, read in self.told:
                row[at] = None if row[at] is None else read(row[at])
        return [self.row(*row) for row in value or ()]


def as_value(name: str, rows: Select[Any]) -> Label[list[Any]]:
    """The rows of a question, in their order, as one value, so that one statement answers several questions."""
    of = rows.subquery()
    kinds = tuple(next(kind for kind in _TOLD if isinstance(column.type, kind)) for column in of.c)
    told = [cast(one, String) if kind is Numeric else one for one, kind in zip(of.c, kinds, strict=True)]
    kept = select(func.json_agg(func.json_build_array(*told), type_=_Rows(tuple(of.c.keys()), kinds)))
    return kept.select_from(of).scalar_subquery().label(name)
