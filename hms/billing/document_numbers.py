"""Numbers of bills, receipts and credit notes, and amounts in words."""

from __future__ import annotations

import re
from typing import NamedTuple

from babel.numbers import get_currency_name

from hms.core.money import Money

BILL, RECEIPT, CREDIT_NOTE, CLOSING = "B", "R", "C", "Z"
WIDTH = 6
_NUMBER = re.compile(rf"([BRCZ])-?((?:19|20|21)[0-9]{{2}})-?([0-9]{{{WIDTH},9}})")
_SMALL = (
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    + ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class Document(NamedTuple):
    series: str
    year: int
    n: int


def document_number(series: str, year: int, n: int) -> str:
    """`B-2026-004417`: each series counts from 1 in every year; `ValueError` for what cannot be counted."""
    if series not in (BILL, RECEIPT, CREDIT_NOTE, CLOSING) or not 1900 <= year <= 2199 or n < 1:
        raise ValueError("no such document number")
    return f"{series}-{year}-{n:0{WIDTH}d}"


def parse_document(text: str) -> Document | None:
    """The number typed or scanned, hyphens or not (`R2026000931`); None when it is none."""
    found = _NUMBER.fullmatch("".join(text.upper().split()))
    if found is None or int(found[3]) == 0 or (len(found[3]) > WIDTH and found[3].startswith("0")):
        return None
    return Document(found[1], int(found[2]), int(found[3]))


def in_words(amount: Money, currency: str) -> str:
    """The amount in English: `One hundred Sierra Leonean leones and 50/100`; `currency` is an ISO 4217 code."""
    cents = int(abs(amount).value * 100)
    whole, part = divmod(cents, 100)
    name = get_currency_name(currency, count=whole, locale="en")
    words = f"{_spelt(whole)} {name}" + (f" and {part:02d}/100" if part else "")
    signed = f"minus {words}" if amount.value < 0 else words
    return signed[0].upper() + signed[1:]


def _spelt(n: int) -> str:
    """A whole number below a thousand million, as it is read out in British English."""
    for size, name in ((1_000_000, "million"), (1000, "thousand")):
        if n >= size:
            many, rest = divmod(n, size)
            joint = "" if not rest else f"{' and ' if rest < 100 else ' '}{_spelt(rest)}"
            return f"{_spelt(many)} {name}{joint}"
    if n >= 100:
        return f"{_SMALL[n // 100]} hundred" + (f" and {_spelt(n % 100)}" if n % 100 else "")
    if n >= 20:
        return _TENS[n // 10] + (f"-{_SMALL[n % 10]}" if n % 10 else "")
    return _SMALL[n]
