"""Money: exact decimals, never floats, rounded half up. Amounts are in the hospital's currency (`HMS_CURRENCY`), major units,
with the decimals of that currency: two for SLE, none for XOF, three for TND."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.numbers import get_currency_precision

from hms.core.text import numbers

MAX_VALUE = Decimal("99999999.99")
"""The largest typed amount, bill line and bill total. Sums of them may be larger."""
MAX_SUM = Decimal("9999999999.99")
"""The largest counted amount of a till. Sums in reports have no limit."""
_AMOUNT = re.compile(r"[-\u2212]?[0-9](.*[0-9])?")
_decimals = 2
_smallest = Decimal("0.01")


def set_currency(code: str) -> None:
    """Use the decimals of this currency (ISO 4217) for all amounts of this process."""
    global _decimals, _smallest
    _decimals = get_currency_precision(code)
    _smallest = Decimal(1).scaleb(-_decimals)


def currency_decimals() -> int:
    """How many decimals an amount in the hospital's currency has."""
    return _decimals


def smallest_amount() -> Decimal:
    """The smallest amount above zero: 0.01 for SLE, 1 for XOF, 0.001 for TND."""
    return _smallest


def largest_amount(largest: Decimal = MAX_VALUE) -> str:
    """A limit as it is printed in a message, with the decimals of the currency: "99,999,999.99" or "99,999,999"."""
    return f"{largest:,}" if _decimals else f"{int(largest):,}"


class TooLarge(ValueError):
    """The text is an amount, but larger than the limit."""


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An amount with the decimals of the currency, e.g. `Money("190.00")`.

    Takes a string, an int, a Decimal or another Money; a Decimal is rounded half up. Raises `TypeError` for a float or a
    bool and `ValueError` for NaN, infinity or more digits than a Decimal holds exactly. Typed amounts have a limit, and so
    have stored ones (`rules.check_total`, the constraints of the tables); sums have none.
    """

    value: Decimal

    def __post_init__(self) -> None:
        if isinstance(self.value, Decimal) and self.value.same_quantum(_smallest) and self.value.adjusted() < 20:
            return  # it is exact: most amounts are stored ones and their sums
        amount = self.value if isinstance(self.value, Decimal) else _decimal(self.value)
        if not amount.is_finite():
            raise ValueError("not a finite amount")
        try:
            exact = amount.quantize(_smallest, ROUND_HALF_UP)
        except InvalidOperation:
            raise ValueError("more digits than are exact") from None
        object.__setattr__(self, "value", exact)

    def __add__(self, other: Money) -> Money:
        return Money(self.value + other.value)

    def __sub__(self, other: Money) -> Money:
        return Money(self.value - other.value)

    def __neg__(self) -> Money:
        return Money(-self.value)

    def __abs__(self) -> Money:
        return Money(abs(self.value))

    def __mul__(self, count: int) -> Money:
        return Money(self.value * count) if isinstance(count, int) else NotImplemented

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return f"{self.value:.{_decimals}f}"

    def percent(self, rate: Decimal) -> Money:
        """`rate` percent of this amount, rounded half up to the decimals of the currency."""
        return Money(self.value * rate / 100)

    @classmethod
    def parse(cls, text: object, largest: Decimal = MAX_VALUE) -> Money:
        """Parse an entered amount, as text (`core/text/numbers.py`) or an exact number, from minus `largest` to `largest`.

        Raises `TooLarge` for an amount outside this range and `ValueError` for anything else that is no amount, or that has
        more decimals than the currency.
        """
        if isinstance(text, (bool, float)):
            raise ValueError("send amounts as text or as an exact number")
        if isinstance(text, (int, Decimal)):
            return cls._exact(Decimal(text), largest)
        plain = str(text).strip()
        if not _AMOUNT.fullmatch(plain):
            raise ValueError("not an amount")
        amount = numbers.parse_exact(plain)
        if amount.as_tuple().exponent < -_decimals:
            raise ValueError("more decimals than the currency has")
        return cls._exact(amount, largest)

    @classmethod
    def _exact(cls, amount: Decimal, largest: Decimal) -> Money:
        # Compare before any arithmetic, which overflows at 1E+999999999.
        if not amount.is_finite() or (amount.is_signed() and not amount):
            raise ValueError("not an amount")
        if not -largest <= amount <= largest:
            raise TooLarge("amount out of range")
        if amount != amount.quantize(smallest_amount()):
            raise ValueError("more decimals than the currency has")
        return cls(amount)

    @classmethod
    def total(cls, amounts: Iterable[Money]) -> Money:
        """The sum of `amounts`; `ZERO` when there are none."""
        return sum(amounts, ZERO)


def _decimal(value: object) -> Decimal:
    if isinstance(value, (float, bool)):
        raise TypeError("Money is never a float.")
    return value.value if isinstance(value, Money) else Decimal(value)


ZERO = Money(Decimal(0))
