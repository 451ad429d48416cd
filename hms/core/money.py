"""Money: exact decimals, never floats, rounded half up. Amounts are in the hospital's currency (`HMS_CURRENCY`), major units."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
MAX_VALUE = Decimal("99999999.99")
"""The largest typed amount, bill line and bill total. Sums of them may be larger."""
MAX_SUM = Decimal("9999999999.99")
"""The largest amount that a money column holds."""
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,2})?")


class TooLarge(ValueError):
    """The text is an amount, but larger than the limit."""


@dataclass(frozen=True, order=True, slots=True)
class Money:
    """An amount with two decimals, e.g. `Money("190.00")`.

    Takes a string, an int, a Decimal or another Money; a Decimal is rounded half up. Raises `TypeError` for a float or a
    bool and `ValueError` for NaN, infinity or more digits than a Decimal holds exactly. Typed amounts have a limit, and so
    have stored ones (`rules.check_total`, the constraints of the tables); sums have none.
    """

    value: Decimal

    def __post_init__(self) -> None:
        if isinstance(self.value, (float, bool)):
            raise TypeError("Money is never a float.")
        amount = self.value.value if isinstance(self.value, Money) else Decimal(self.value)
        if not amount.is_finite():
            raise ValueError("not a finite amount")
        try:
            exact = amount.quantize(CENT, ROUND_HALF_UP)
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
        return f"{self.value:.2f}"

    def percent(self, rate: Decimal) -> Money:
        """`rate` percent of this amount, rounded half up to the cent."""
        return Money(self.value * rate / 100)

    @classmethod
    def parse(cls, text: object, largest: Decimal = MAX_VALUE) -> Money:
        """Parse an entered amount: "190", "190.5", "1,250.00" or an exact number, from minus `largest` to `largest`.

        Raises `TooLarge` for an amount outside this range and `ValueError` for anything else that is no amount.
        """
        if isinstance(text, (bool, float)):
            raise ValueError("send amounts as text or as an exact number with at most two decimals")
        if isinstance(text, (int, Decimal)):
            return cls._exact(Decimal(text), largest)
        plain = str(text).strip().replace(",", "").replace("\u00a0", "").replace("−", "-")
        if not _AMOUNT.fullmatch(plain):
            raise ValueError("not an amount")
        return cls._exact(Decimal(plain), largest)

    @classmethod
    def _exact(cls, amount: Decimal, largest: Decimal) -> Money:
        # Compare before any arithmetic, which overflows at 1E+999999999.
        if not amount.is_finite():
            raise ValueError("not an amount")
        if not -largest <= amount <= largest:
            raise TooLarge("amount out of range")
        if amount != amount.quantize(CENT):
            raise ValueError("at most two decimals")
        return cls(amount + 0)  # minus zero becomes zero

    @classmethod
    def total(cls, amounts: Iterable[Money]) -> Money:
        """The sum of `amounts`; `ZERO` when there are none."""
        return sum(amounts, ZERO)


ZERO = Money(Decimal(0))
