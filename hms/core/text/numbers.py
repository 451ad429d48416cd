"""Parses typed numbers, with a comma or a point before the decimals."""

from __future__ import annotations

import re
from decimal import Decimal

_TYPED = re.compile(r"[+-]?(?:[0-9]{1,9}(?:[.,][0-9]{0,6})?|[.,][0-9]{1,6})", re.ASCII)
_TWO_READINGS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3}|\.000)")


def parse_record_id(text: str) -> int | None:
    """The id or the version of a record in an address or a hidden field; None when `text` is not a number.

    It has at most 18 digits, so that it always fits the database's type.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def number(text: str) -> Decimal:
    """The number "36.5", "36,5" or ".5"; `ValueError` for anything else.

    "1,000" and "1.000" are refused, because the sign separates thousands in some countries and decimals in others.
    """
    typed = text.strip()
    if not _TYPED.fullmatch(typed):
        raise ValueError("not a number")
    if _TWO_READINGS.fullmatch(typed):
        raise ValueError("could be read in two ways")
    return Decimal(typed.replace(",", "."))
