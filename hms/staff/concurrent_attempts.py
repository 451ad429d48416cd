"""How many requests of this web process may prove or hash a password at the same time: of one address, and in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from flask import g, has_request_context, request

from hms.core.words import _

from .errors import Locked

MOST_OF_AN_ADDRESS = 20
MOST_IN_ALL = 60
_of_addresses: Counter[str] = Counter()
_counting = threading.Lock()


@contextmanager
def counted() -> Iterator[None]:
    """Count this request until the block ends; `Locked` for a moment (429) when too many are under way.

    Call it before the database is asked anything: what is refused here must cost next to nothing.
    """
    if not has_request_context() or "is_counted_attempt" in g:
        yield
        return
    address = request.remote_addr or ""
    _admit(address)
    g.is_counted_attempt = True
    try:
        yield
    finally:
        g.pop("is_counted_attempt", None)
        _leave(address)


def _admit(address: str) -> None:
    with _counting:
        if _of_addresses[address] >= MOST_OF_AN_ADDRESS or _of_addresses.total() >= MOST_IN_ALL:
            g.is_turned_away = True
            raise Locked(_("Too many people are signing in at this moment. Wait a moment, then try again."))
        _of_addresses[address] += 1


def _leave(address: str) -> None:
    with _counting:
        _of_addresses[address] -= 1
        if not _of_addresses[address]:
            del _of_addresses[address]
