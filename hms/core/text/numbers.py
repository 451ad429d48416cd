"""Numbers as people type them, with comma or point."""

from __future__ import annotations

import re
from decimal import Decimal

_TYPED = re.compile(r"[+-]?(?:[0-9]{1,9}(?:[.,][0-9]{0,6})?|[.,][0-9]{1,6})", re.ASCII)
_TWO_READINGS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3}|\.000)")


def parse_record_id(text: str) -> int | None:
    """The id of a record, or its version, as an address or a hidden field has it; None for anything else.

    It has at most 18 digits, so that it always fits into the database's type.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def number(text: str) -> Decimal:
    """What was typed, "36.5", "36,5" or ".5"; `ValueError` for anything else.

    "1,000" and "1.000" mean one thing to half of the world and another to the other half, so they are refused.
    """
    written = text.strip()
    if not _TYPED.fullmatch(written):
        raise ValueError("not a number")
    if _TWO_READINGS.fullmatch(written):
        raise ValueError("could be read in two ways")
    return Decimal(written.replace(",", "."))
