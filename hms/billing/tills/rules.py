"""Rules of the till: notes and coins, counted and expected amounts, differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from hms.billing.enums import Method
from hms.core.errors import RuleBroken
from hms.core.money import MAX_SUM, MAX_VALUE, ZERO, Money
from hms.core.text.translation import N_


def _pieces(notes: str, coins: str = "") -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    return tuple(map(Decimal, notes.split())), tuple(map(Decimal, coins.split()))


DENOMINATIONS = {
    "SLE": _pieces("20 10 5 2 1", "0.50 0.25 0.10 0.05 0.01"),
    "XOF": _pieces("10000 5000 2000 1000 500", "500 250 200 100 50 25 10 5 1"),
    "UGX": _pieces("50000 20000 10000 5000 2000 1000", "1000 500 200 100 50"),
    "TND": _pieces("50 20 10 5", "5 2 1 0.500 0.200 0.100 0.050 0.020 0.010 0.005"),
    "GHS": _pieces("200 100 50 20 10 5 2 1", "2 1 0.50 0.20 0.10 0.05"),
    "NGN": _pieces("1000 500 200 100 50 20 10 5", "2 1 0.50"),
    "LRD": _pieces("1000 500 100 50 20", "10 5"),
    "GNF": _pieces("20000 10000 5000 2000 1000 500"),
    "GMD": _pieces("200 100 50 20 10 5", "1 0.50 0.25 0.10 0.05"),
    "USD": _pieces("100 50 20 10 5 2 1", "1 0.50 0.25 0.10 0.05 0.01"),
    "EUR": _pieces("500 200 100 50 20 10 5", "2 1 0.50 0.20 0.10 0.05 0.02 0.01"),
    "GBP": _pieces("50 20 10 5", "2 1 0.50 0.20 0.10 0.05 0.02 0.01"),
}
"""Notes and coins in circulation by ISO 4217 code, largest first."""
MAX_PIECES = 100_000


class CountedNotes(NamedTuple):
    """How many of one note or coin were counted, and their amount."""

    value: Money
    count: int
    amount: Money


class Difference(NamedTuple):
    """The closing amounts of one payment method. `difference` is counted less expected: below zero, money is missing."""

    method: Method
    expected: Money
    counted: Money
    difference: Money


def denominations(currency: str) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    """Notes and coins of an ISO 4217 currency; both empty for an unknown one, so that only a total is entered."""
    return DENOMINATIONS.get(currency, ((), ()))


def check_is_counted(
    pieces: Mapping[Decimal, int], loose: Money | None, slips: Mapping[Method, Money], *, paid_with: Iterable[Method]
) -> None:
    """Raise `RuleBroken` when no cash was counted, or nothing for a method in `paid_with`: 0 is an amount, no amount is not."""
    if not pieces and loose is None:
        raise RuleBroken(N_("Enter the cash that you counted. Enter 0 if there is none."), "loose", code="required")
    for method in paid_with:
        if method not in (Method.CASH, *slips):
            message = N_("Patients paid this way. Enter the total of the slips, or 0 if there are none.")
            raise RuleBroken(message, method.name.lower(), code="required")


def count_cash(pieces: Mapping[Decimal, int], loose: Money = ZERO) -> Money:
    """The value of the counted notes and coins plus other cash (`loose`); `RuleBroken` on `count`."""
    if any(isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= MAX_PIECES for n in pieces.values()):
        raise RuleBroken(N_("Enter how many of each note and coin, as whole numbers from 0."), "count")
    if loose < ZERO:
        raise RuleBroken(N_("Enter a counted amount of zero or more."), "count")
    cash = Money.total(Money(value) * n for value, n in pieces.items()) + loose
    if cash.value > MAX_SUM:
        raise RuleBroken(N_("This amount is above the limit of a till. Check the numbers."), "count")
    return cash


def counted_notes(pieces: Mapping[str, int]) -> list[CountedNotes]:
    """The stored count of each note and coin, largest first."""
    values = sorted(((Decimal(value), n) for value, n in pieces.items()), reverse=True)
    return [CountedNotes(Money(value), n, Money(value) * n) for value, n in values]


def expected_amounts(opening_float: Money, takings: Iterable[tuple[Method, Money]]) -> dict[Method, Money]:
    """The expected amounts by payment method. Refunds in `takings` are below zero; cash includes the float."""
    sums = dict.fromkeys(Method, ZERO) | {Method.CASH: opening_float}
    for method, amount in takings:
        sums[method] += amount
    return {method: amount for method, amount in sums.items() if amount or method == Method.CASH}


def differences(expected: Mapping[Method, Money], counted: Mapping[Method, Money]) -> list[Difference]:
    """Expected, counted and difference for every payment method that is expected or was counted."""
    rows = [(m, expected.get(m, ZERO), counted.get(m, ZERO)) for m in Method if m in expected or m in counted]
    return [Difference(m, due, cash, cash - due) for m, due, cash in rows]


def check_closing(rows: Iterable[Difference], reason: str) -> None:
    """A till with a difference is closed only with a reason; `RuleBroken` on `reason` otherwise."""
    if any(row.difference for row in rows) and not reason.strip():
        raise RuleBroken(
            N_("The counted and expected amounts are different. Count again or enter the reason."),
            "reason",
            code="difference",
        )


def quick_amounts(due: Money, currency: str) -> list[Money]:
    """Up to four amounts that a patient is likely to hand over for `due`: the exact amount, then it rounded up to the notes of
    the currency."""
    amounts = [due]
    for note in reversed(denominations(currency)[0]):
        rounded = Money((due.value / note).to_integral_value(ROUND_CEILING) * note)
        if amounts[-1] < rounded and rounded.value <= MAX_VALUE:
            amounts.append(rounded)
    return amounts[:4]
