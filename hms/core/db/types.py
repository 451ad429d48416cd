"""Column types: money and instants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Numeric
from sqlalchemy.types import TypeDecorator

from hms.core.money import Money


class MoneyColumn(TypeDecorator[Money]):
    """`Money` in a NUMERIC column, written with the decimals of the currency; sums come back as `Money` too.

    The column has no scale of its own, so that the database never rounds an amount: `money_exact` of each table refuses more
    than three decimals, and `prove` names amounts with more decimals than the currency has.
    """

    impl = Numeric()
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return Money(value).value if isinstance(value, Money) else value

    def process_result_value(self, value: Any, dialect: Any) -> Money | None:
        return None if value is None else Money(value)


def exact_money(*columns: str) -> CheckConstraint:
    """The constraint `money_exact` of a table with these columns of money: no currency has more than three decimals."""
    return CheckConstraint(" AND ".join(f"scale({column}) <= 3" for column in columns), name="money_exact")
