"""Reads and writes JSON: exact numbers, no NaN, no duplicate keys, no text that the database cannot store."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest

from hms.core.money import Money


def _reject_constant(token: str) -> None:
    raise ValueError(f"{token} is not allowed")


def _fraction(text: str) -> Decimal:
    """A number with a fraction or exponent; `ValueError` when the exponent is too large for `Decimal`."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:50]} is not allowed") from error


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _value in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _to_json(value: Any) -> Any:
    if isinstance(value, (Money, Decimal)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


class ExactJSON(DefaultJSONProvider):
    """Fractions are read as `Decimal`; money and instants are written as text."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return json.dumps(obj, default=_to_json, ensure_ascii=False, separators=(",", ":"))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            value = json.loads(
                s, parse_float=_fraction, parse_constant=_reject_constant, object_pairs_hook=_object_without_duplicates
            )
            json.dumps(value, default=str, ensure_ascii=False).encode("utf-8")
        except (RecursionError, UnicodeError, ValueError) as error:
            raise BadRequest("Malformed JSON") from error
        return value
