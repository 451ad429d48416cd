"""Column types: money and instants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Numeric
from sqlalchemy.types import TypeDecorator

from hms.core.money import Money


class MoneyColumn(TypeDecorator[Money]):
    """`Money` in a NUMERIC(12,2) column; sums come back as `Money` too."""

    impl = Numeric(12, 2)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.value if isinstance(value, Money) else value

    def process_result_value(self, value: Any, dialect: Any) -> Money | None:
        return None if value is None else Money(value)
