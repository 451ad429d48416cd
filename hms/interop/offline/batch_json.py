"""Reads the JSON of a batch so that a value that cannot be stored refuses its own entry and not the whole batch."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Request
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from hms.core.api.blueprint import ApiBlueprint, ApiParser

MAX_DEPTH = 20
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
NOT_STORABLE = _l("Remove the characters that cannot be displayed.")
NOT_A_NUMBER = _l("Enter a number that can be stored, or leave the field out.")
REPEATED_NAME = _l("A field is there twice. Send each field once.")
TOO_DEEP = _l("The values are nested too deeply. Send plain values.")


class Unreadable(str):
    """A number as it was written that cannot be read: NaN, 1e999999999."""

    __slots__ = ()


class RepeatedNames(dict):
    """An object in which a name occurs more than once."""


class BatchParser(ApiParser):
    """Reads a body with `loads` of this module."""

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType
        return loads(req.get_data())


class BatchBlueprint(ApiBlueprint):
    """Endpoints that read a batch."""

    ARGUMENTS_PARSER = BatchParser()


def loads(data: bytes) -> Any:
    """The value of a JSON text; values that are not valid are `Unreadable` or `RepeatedNames`. 400 when it is not JSON."""
    try:
        return json.loads(
            data,
            strict=False,
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=Unreadable,
            object_pairs_hook=_object,
        )
    except (RecursionError, UnicodeError, ValueError) as error:
        raise BadRequest("Malformed JSON") from error


def _whole_number(text: str) -> int | Unreadable:
    try:
        return int(text)
    except ValueError:
        return Unreadable(text[:50])


def _fraction(text: str) -> Decimal | Unreadable:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Unreadable(text[:50])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {name for name, _value in pairs}
    return dict(pairs) if len(names) == len(pairs) else RepeatedNames(pairs)


def first_fault(fields: dict[str, Any]) -> tuple[str, Any] | None:
    """The name of the first field that cannot be stored, and why; None when all can."""
    if isinstance(fields, RepeatedNames):
        return "non_field_errors", REPEATED_NAME
    for name, value in fields.items():
        if _is_not_storable(name):
            return "non_field_errors", NOT_STORABLE
        if why := _fault(value, MAX_DEPTH):
            return name, why
    return None


def _fault(value: Any, depth: int) -> Any | None:
    if isinstance(value, str):
        return NOT_A_NUMBER if isinstance(value, Unreadable) else NOT_STORABLE if _is_not_storable(value) else None
    if not isinstance(value, dict | list):
        return None
    if depth == 0:
        return TOO_DEEP
    if isinstance(value, RepeatedNames):
        return REPEATED_NAME
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return next((why for part in parts if (why := _fault(part, depth - 1))), None)


def _is_not_storable(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


def storable(value: Any, depth: int = MAX_DEPTH) -> Any:
    """`value` as the database can store it: replacement characters for those it cannot, numbers with decimals as text."""
    if isinstance(value, Unreadable):
        return REPLACEMENT
    if isinstance(value, str):
        return "".join(REPLACEMENT if _is_not_storable(character) else character for character in value)
    if isinstance(value, Decimal):
        return str(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, list):
        return [storable(part, depth - 1) for part in value]
    return {storable(name): storable(part, depth - 1) for name, part in value.items()}


def dumps(fields: dict[str, Any]) -> str:
    """The fields as JSON for the endpoint: a number with decimals stays a number where that is exact."""
    return json.dumps(fields, default=_exact)


def _exact(value: Decimal) -> float | str:
    return float(value) if Decimal(repr(float(value))) == value else str(value)
