"""Reads JSON documents: a Bundle, a list of resources, or one indented resource after another."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from hms.core.text.translation import N_

from .ndjson import InvalidResource, Line, decoder

MAX_DOCUMENT = 256 * 2**20
"""Bytes. A longer document is refused: unlike lines it must be read as a whole."""
_MARK = secrets.token_hex(16)
_BLANKS = " \t\r\n"


def dumps(value: Any) -> str:
    """JSON in which every number has the digits with which it was read."""
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), default=lambda number: f"{_MARK}{number}{_MARK}"
    )
    return text.replace(f'"{_MARK}', "").replace(f'{_MARK}"', "") if _MARK in text else text


def is_document(first_line: bytes) -> bool:
    """Whether the file that begins with this line is one document, not a resource on each line."""
    try:
        parsed = decoder.decode(first_line.decode())
    except (InvalidResource, RecursionError, ValueError, ArithmeticError):
        return first_line[-1:] in (b"{", b"[", b",")
    if isinstance(parsed, list):
        return bool(parsed) and all(isinstance(item, dict) for item in parsed)
    return isinstance(parsed, dict) and parsed.get("resourceType") == "Bundle"


def resources(data: bytes) -> Iterator[Line]:
    """The resources of the document as lines, counted from 1; `InvalidResource` when it is not JSON."""
    if len(data) > MAX_DOCUMENT:
        raise InvalidResource(N_("the file is longer than 256 MB. Write one resource on each line."))
    try:
        values = list(_values(data.decode("utf-8-sig")))
        expanded = [resource for value in values for resource in _expand(value)]
        texts = [dumps(resource).encode() for resource in expanded]
    except UnicodeDecodeError as error:
        raise InvalidResource(N_("it is not UTF-8 text.")) from error
    except RecursionError as error:
        raise InvalidResource(N_("it is nested too deeply.")) from error
    except (ValueError, ArithmeticError) as error:
        raise InvalidResource(N_("the file is not JSON, or not all of it.")) from error
    for number, text in enumerate(texts, 1):
        yield Line(number, text)


def _values(text: str) -> Iterator[Any]:
    place = 0
    while place < len(text):
        if text[place] in _BLANKS:
            place += 1
            continue
        value, place = decoder.raw_decode(text, place)
        yield value


def _expand(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _expand(item)
    elif isinstance(value, dict) and value.get("resourceType") == "Bundle":
        yield from _entries(value)
    else:
        yield value


def _entries(bundle: dict[str, Any]) -> Iterator[Any]:
    """The resources of a Bundle; references by `fullUrl` become references by type and id."""
    listed = bundle.get("entry")
    if not isinstance(listed, list):
        return
    entries = [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)]
    names: dict[str, str] = {}
    for entry in entries:
        resource, address = entry["resource"], entry.get("fullUrl")
        if isinstance(address, str):
            resource.setdefault("id", address.rpartition(":")[2].rpartition("/")[2])
            names[address] = f"{resource.get('resourceType')}/{resource['id']}"
    for entry in entries:
        replace_references(entry["resource"], names)
        yield from _expand(entry["resource"])


def replace_references(value: Any, names: dict[str, str]) -> None:
    """Replace the references in `names` within `value`."""
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            replace_references(part, names)
    if isinstance(value, dict) and isinstance(value.get("reference"), str):
        value["reference"] = names.get(value["reference"], value["reference"])
