"""The hospital's logo: a small PNG picture, kept as the value of a setting and served at an address of its own."""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import lru_cache

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

PREFIX = "data:image/png;base64,"
MAX_BYTES = 24_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def to_value(png: bytes) -> str:
    """The setting's value for a picture."""
    return PREFIX + base64.b64encode(png).decode("ascii")


@lru_cache(maxsize=4)
def read_picture(value: str) -> bytes | None:
    """The picture of a setting's value; None when it is no PNG, judged by its content."""
    if not value.startswith(PREFIX):
        return None
    try:
        picture = base64.b64decode(value.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return picture if picture.startswith(_SIGNATURE) else None


@lru_cache(maxsize=4)
def content_mark(value: str) -> str:
    """A short hash of the picture for its address: a new picture has a new address."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def validate_picture(value: object) -> str:
    """`value` when it is blank or a small PNG picture; else `RuleBroken` at the field `new`."""
    if value == "":
        return ""
    picture = read_picture(value) if isinstance(value, str) and len(value) < 2 * MAX_BYTES else None
    if picture is None or len(picture) > MAX_BYTES:
        raise RuleBroken(
            N_("Send a PNG picture as data:image/png;base64,… of at most %(size)s kB."), "new", size=MAX_BYTES // 1000
        )
    return str(value)
