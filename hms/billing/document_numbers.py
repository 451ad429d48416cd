"""Numbers of bills, receipts and credit notes, and amounts in words."""

from __future__ import annotations

import re
from typing import NamedTuple

from babel.numbers import get_currency_name

from hms.core.money import Money, currency_decimals

BILL, RECEIPT, CREDIT_NOTE, CLOSING = "B", "R", "C", "Z"
WIDTH = 6
_NUMBER = re.compile(rf"([BRCZ])-?((?:19|20|21)[0-9]{{2}})-?([0-9]{{{WIDTH},9}})")
_SMALL = (
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    + ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class DocumentNumber(NamedTuple):
    series: str
    year: int
    n: int


def document_number(series: str, year: int, n: int) -> str:
    """`B-2026-004417`. Each series counts from 1 every year. Raises `ValueError` for an unknown series, a year outside
    1900-2199 or a number below 1."""
    if series not in (BILL, RECEIPT, CREDIT_NOTE, CLOSING) or not 1900 <= year <= 2199 or n < 1:
        raise ValueError("no such document number")
    return f"{series}-{year}-{n:0{WIDTH}d}"


def parse_document_number(text: str) -> DocumentNumber | None:
    """Parse a number that was typed or scanned, with or without hyphens (`R2026000931`); None when it is not one."""
    match = _NUMBER.fullmatch("".join(text.upper().split()))
    if match is None or int(match[3]) == 0 or (len(match[3]) > WIDTH and match[3].startswith("0")):
        return None
    return DocumentNumber(match[1], int(match[2]), int(match[3]))


def amount_in_words(amount: Money, currency: str) -> str:
    """The amount in English: `One hundred Sierra Leonean leones and 50/100`, or `… dinars and 500/1000`; `currency` is an ISO
    4217 code."""
    decimals = currency_decimals()
    whole, part = divmod(int(abs(amount).value.scaleb(decimals)), 10**decimals)
    name = get_currency_name(currency, count=whole, locale="en")
    words = f"{_number_in_words(whole)} {name}" + (f" and {part:0{decimals}d}/{10**decimals}" if part else "")
    signed = f"minus {words}" if amount.value < 0 else words
    return signed[0].upper() + signed[1:]


def _number_in_words(n: int) -> str:
    """A whole number below 1,000,000,000 in British English words."""
    for size, name in ((1_000_000, "million"), (1000, "thousand")):
        if n >= size:
            count, rest = divmod(n, size)
            separator = "" if not rest else f"{' and ' if rest < 100 else ' '}{_number_in_words(rest)}"
            return f"{_number_in_words(count)} {name}{separator}"
    if n >= 100:
        return f"{_SMALL[n // 100]} hundred" + (f" and {_number_in_words(n % 100)}" if n % 100 else "")
    if n >= 20:
        return _TENS[n // 10] + (f"-{_SMALL[n % 10]}" if n % 10 else "")
    return _SMALL[n]
