"""Cursors of the API's lists: an encrypted place in one list of one person.

A cursor holds the sort values of a row, which may be a birth date or an amount: it is encrypted, so that nobody reads in it
what they may not see, and authenticated, so that only this server makes one. It is good for the same person, address, filters
and order, and for `MAX_AGE`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app, request

from hms.core.db.keyset import Place
from hms.core.db.row_counts import EstimatedCount
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.core.web.guard import current_person

MAX_AGE = 24 * 3600
"""Seconds after which a cursor is refused."""
NOT_OF_THE_LIST = ("cursor", "page", "page_size", "limit", "count")
"""Parameters that may change from page to page."""
WRONG = N_(
    "This cursor does not belong to this list, its filters or its order, or it is too old. Send an empty cursor."
)
_READ: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
}


@dataclass(frozen=True)
class Cursor:
    """A place in a list, and the number of rows counted when the list was begun. No place is the beginning."""

    place: Place | None = None
    count: int | None = None


def read_cursor(text: str) -> Cursor:
    """The cursor of this request; empty text begins the list. `RuleBroken` when it is not a cursor of this list."""
    if not text:
        return Cursor()
    try:
        content = json.loads(_cipher(current_app.config["SECRET_KEY"]).decrypt(_padded(text), ttl=MAX_AGE))
    except InvalidToken:
        raise RuleBroken(WRONG, "cursor") from None
    if content["list"] != _list_name():
        raise RuleBroken(WRONG, "cursor")
    count = EstimatedCount(content["count"]) if content["is_estimated"] else content["count"]
    return Cursor(Place(tuple(map(_read_value, content["place"])), content["is_backward"]), count)


def write_cursor(place: Place, count: int) -> str:
    """The text of a cursor to `place` of the list of this request, without signs that an address would escape."""
    content = {
        "list": _list_name(),
        "place": [_write_value(value) for value in place.values],
        "is_backward": place.is_backward,
        "count": count,
        "is_estimated": isinstance(count, EstimatedCount),
    }
    return _cipher(current_app.config["SECRET_KEY"]).encrypt(json.dumps(content).encode()).decode().rstrip("=")


def _padded(text: str) -> bytes:
    return (text + "=" * (-len(text) % 4)).encode()


@cache
def _cipher(secret: str) -> Fernet:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"hms-cursor").digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _list_name() -> str:
    """A short name of what this request lists: the person, the address, its filters and its order."""
    parameters = sorted((name, text) for name, text in request.args.items(multi=True) if name not in NOT_OF_THE_LIST)
    named = repr((current_person().id, request.path, parameters))
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _write_value(value: Any) -> Any:
    kind = type(value).__name__
    if kind in _READ:
        return {kind: str(value) if kind == "Decimal" else value.isoformat()}
    return value


def _read_value(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _READ[kind](text)
    return value
