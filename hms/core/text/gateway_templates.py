"""Templates of requests to a gateway: `{{ name }}` in address, headers and body, and how each place writes a value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

from hms.core.errors import RuleBroken

from .translation import N_
from .web_address import names_secret

NAMES = ("to", "to_digits", "text", "sender", "reference", "token")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FIELD = re.compile(r"([\w-]+)[\"']?\s*[=:]\s*[\"']?([^\"'&,]*)")
KEEP_OUT = N_("Put the password of the gateway into HMS_SMS_TOKEN, and write {{ token }} here.")

Write = Callable[[str], str]


def fill_in(template: str, values: Mapping[str, str], write: Write) -> str:
    """`template` with every `{{ name }}` replaced by its value, written as the place needs it."""
    return _PLACE.sub(lambda place: write(values[place[1]]), template)


def in_address(value: str) -> str:
    return quote(value, safe="")


def in_form(value: str) -> str:
    return quote_plus(value)


def in_json(value: str) -> str:
    """As part of a JSON string."""
    return json.dumps(value)[1:-1]


def in_header(value: str) -> str:
    """Without the characters that would begin another header."""
    return re.sub(r"[^\x20-\x7e]", "", value)


def check_placeholders(template: str) -> None:
    """Raise `RuleBroken` when `template` names a value that is not offered."""
    unknown = [name for name in _PLACE.findall(template) if name not in NAMES]
    if unknown or template.count("{{") != len(_PLACE.findall(template)):
        raise RuleBroken(
            N_("Only these values can be used: %(names)s."), names=", ".join(f"{{{{ {name} }}}}" for name in NAMES)
        )


def check_body(template: str) -> None:
    """Raise `RuleBroken` for a body that names a value that is not offered, or that holds a password."""
    check_placeholders(template)
    for name, value in _FIELD.findall(template):
        if names_secret(name) and "{{" not in value:
            raise RuleBroken(KEEP_OUT)


def split_headers(text: str) -> dict[str, str]:
    """The headers of "Name: value | Name: value"; raises `RuleBroken` for anything else."""
    headers = {}
    for part in filter(None, (part.strip() for part in text.split("|"))):
        name, colon, value = part.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name.strip()) or in_header(value) != value:
            raise RuleBroken(N_("Write headers like X-Api-Key: {{ token }} | Accept: application/json."))
        headers[name.strip()] = value.strip()
    return headers


def check_headers(text: str) -> None:
    """Raise `RuleBroken` for text that is no list of headers, or that holds a password: it belongs on the server."""
    check_placeholders(text)
    for name, value in split_headers(text).items():
        if names_secret(name) and "{{" not in value:
            raise RuleBroken(KEEP_OUT)
