"""Reads a line of JSON as a resource. The content is not trusted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

from hms.core.text.translation import N_, Sentence


class InvalidResource(Exception):
    """A line or resource cannot be imported. The message follows the file and line; `values` fill its placeholders."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(str(Sentence(message, **values)))


class Line(NamedTuple):
    """One line of a file, counted from 1. `data` is None when it was too long to be read."""

    number: int
    data: bytes | None


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise InvalidResource(N_("it gives the same name twice in one object, so it is not clear which value counts."))
    return parsed


def _no_number(word: str) -> Any:
    raise InvalidResource(N_("it holds %(word)s, which JSON does not allow as a number."), word=word)


decoder = json.JSONDecoder(object_pairs_hook=_each_name_once, parse_float=Decimal, parse_constant=_no_number)


def resource(data: bytes | None) -> dict[str, Any]:
    """The JSON object in a line, decimals as `Decimal`; `InvalidResource` when the line is no JSON object."""
    if data is None:
        raise InvalidResource(N_("the line is longer than 32 MB."))
    try:
        parsed = decoder.decode(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidResource(N_("it is not UTF-8 text.")) from error
    except RecursionError as error:
        raise InvalidResource(N_("it is nested too deeply.")) from error
    except (ValueError, ArithmeticError) as error:
        raise InvalidResource(N_("it is not JSON, or not all of one resource.")) from error
    if not isinstance(parsed, dict):
        raise InvalidResource(N_("it is JSON, but not a resource."))
    return parsed


def kind(parsed: dict[str, Any]) -> str:
    """The resource's type, e.g. "Patient"; `InvalidResource` when it has none."""
    name = parsed.get("resourceType")
    if not isinstance(name, str) or not (name.isascii() and name.isalpha() and len(name) <= 60):
        raise InvalidResource(N_("it does not say what it is (resourceType)."))
    return name
