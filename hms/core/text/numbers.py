"""Reads typed numbers: the one reader of amounts of money, percentages, quantities and measurements.

On a page the hospital's decimal sign counts, point or comma. The other sign groups thousands where it is written
consistently (`1,250.00`); where it cannot be a group it is read as a decimal sign (`1,50`). Everywhere else (the API,
imports) the point is the decimal sign and nothing is grouped; a comma is read only where it can only be a decimal sign.
`static/js/pay.js` reads amounts in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import cache

POINT, COMMA = ".", ","
MAX_DIGITS, MAX_DECIMALS = 9, 6
PERCENT_DECIMALS = 2
_SIGNED = re.compile(r"([+\-\u2212]?)([0-9.,\u00a0\u202f]{1,40})")
_MAY_BE_GROUP = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")
_page_sign: ContextVar[Callable[[], str] | None] = ContextVar("page_sign", default=None)


class TwoReadings(ValueError):
    """The sign between the digits separates thousands in some countries and decimals in others."""


def read_as_page(decimal_sign: Callable[[], str] | None) -> None:
    """Read and show numbers with the hospital's decimal sign from now on in this context; with None, as programs do."""
    _page_sign.set(decimal_sign)


@contextmanager
def with_decimal_sign(decimal_sign: str) -> Iterator[None]:
    """Read and show numbers inside the block with this decimal sign, as pages and papers of the hospital do."""
    token = _page_sign.set(lambda: decimal_sign)
    try:
        yield
    finally:
        _page_sign.reset(token)


def shown_sign() -> str:
    """The decimal sign in which numbers are shown now."""
    page_sign = _page_sign.get()
    return POINT if page_sign is None else page_sign()


def show(value: object) -> str:
    """A number for an input of the page: not grouped, with the decimal sign that the page reads."""
    plain = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return plain.replace(POINT, shown_sign())


def parse_record_id(text: str) -> int | None:
    """The id or the version of a record in an address or a hidden field; None when `text` is not a number.

    It has at most 18 digits, so that it always fits the database's type.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def parse_exact(text: str) -> Decimal:
    """The number in `text`; `TwoReadings` when it is not clear which number it is, `ValueError` when it is none."""
    match = _SIGNED.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a number")
    page_sign = _page_sign.get()
    digits = _program_digits(match[2]) if page_sign is None else _page_digits(match[2], page_sign())
    number = Decimal(digits)
    if not match[1]:
        return number
    if not number:
        raise ValueError("zero has no sign")
    return number if match[1] == "+" else -number


def _program_digits(typed: str) -> str:
    if _MAY_BE_GROUP.fullmatch(typed) or len(re.findall("[^0-9]", typed)) > 1:
        raise TwoReadings("could be read in two ways")
    if not _with_decimals(COMMA).fullmatch(typed) and not _with_decimals(POINT).fullmatch(typed):
        raise ValueError("not a number")
    return typed.replace(COMMA, POINT)


def _page_digits(typed: str, decimal_sign: str) -> str:
    other = COMMA if decimal_sign == POINT else POINT
    if _grouped(decimal_sign, other).fullmatch(typed):
        return re.sub("[^0-9.]", "", typed.replace(other, "").replace(decimal_sign, POINT))
    if _with_decimals(decimal_sign).fullmatch(typed) or _with_decimals(other).fullmatch(typed):
        return typed.replace(COMMA, POINT)
    raise ValueError("not a number")


@cache
def _with_decimals(decimal_sign: str) -> re.Pattern[str]:
    sign = re.escape(decimal_sign)
    return re.compile(rf"[0-9]+(?:{sign}[0-9]*)?|{sign}[0-9]+")


@cache
def _grouped(decimal_sign: str, other: str) -> re.Pattern[str]:
    """Groups of three with the other sign or a no-break space between them, and decimals or none."""
    return re.compile(
        rf"[1-9][0-9]{{0,2}}([{re.escape(other)}\u00a0\u202f])[0-9]{{3}}(?:\1[0-9]{{3}})*(?:{re.escape(decimal_sign)}[0-9]*)?"
    )


def number(text: str) -> Decimal:
    """A measured number such as "36.5", "36,5" or ".5"; `ValueError` for anything else.

    "1.000" with three zeros as decimals is refused: nobody measures so, and many countries mean a thousand.
    """
    value = parse_exact(text)
    if value == value.to_integral_value() and value.as_tuple().exponent == -3 and value:
        raise TwoReadings("could be read in two ways")
    if abs(value) >= 10**MAX_DIGITS or value.as_tuple().exponent < -MAX_DECIMALS:
        raise ValueError("too many digits")
    return value


def whole_number(text: str) -> int:
    """A whole number of at most nine digits, zero or more; `ValueError` for anything else."""
    typed = text.strip()
    value = parse_exact(typed)
    if value.as_tuple().exponent or not (typed[0].isdigit() and typed[-1].isdigit()) or value >= 10**MAX_DIGITS:
        raise ValueError("not a whole number")
    return int(value)


def percentage(text: str) -> Decimal:
    """The percentage "80%", "33,3 %" or "7.5"; `ValueError` for anything else, and for more than two decimals."""
    value = number(text.strip().removesuffix("%"))
    if value.as_tuple().exponent < -PERCENT_DECIMALS:
        raise ValueError("at most two decimals")
    return value
