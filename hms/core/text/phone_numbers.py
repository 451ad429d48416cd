"""Phone numbers: parse free text, store E.164, format as dialled locally."""

from __future__ import annotations

from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from hms.core.text import formatting
from hms.core.text.cleaning import digits


class Phone(NamedTuple):
    """`e164` is None when the text is no valid number; it is then shown as typed with "not checked"."""

    e164: str | None
    as_typed: str


def parse_phone(text: str, country: str) -> Phone:
    """The number in `text`, dialled from `country` (ISO 3166 code, e.g. "SL"); never raises."""
    typed = text.strip()
    number = _parsed(typed, country)
    if number is None:
        return Phone(None, typed)
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), typed)


def _parsed(typed: str, country: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(typed, country)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def strip_dial_prefix(text: str) -> str:
    """The digits to search for in stored numbers: without the dialled prefix 0 or 00, which is not stored."""
    return digits(text).lstrip("0")


def format_phone(e164: str | None, as_typed: str, country: str) -> str:
    """Grouped: `076 123 456` for the own country, `+233 24 123 4567` for others; as typed when it is no number."""
    if not e164 or _parsed(e164, country) is None:
        return as_typed
    return formatting.phone(e164, country)


def mask_phone(e164: str | None, as_typed: str) -> str:
    """Only the last three digits, for those who may not see contact details."""
    known = digits(e164 or as_typed)
    return f"•••{known[-3:]}" if len(known) > 5 else "•••"
