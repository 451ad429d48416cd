"""How many requests of this web process may prove or hash a password at the same time: of one address, and in all.

Each of them needs a connection to the database every now and then, and those for one account wait for each other there. So
there are fewer of them than connections in the pool: whoever works with the pages meanwhile finds a connection free.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app, g, has_request_context, request

from hms.core import actions
from hms.core.db.session import end_request_session
from hms.core.text.translation import N_

from .errors import LockedOut

MAX_PER_ADDRESS = 4
MAX_WAITING_PER_ADDRESS = 20
MAX_WAIT_SECONDS = 2.0
"""So long an attempt waits for its turn, in memory and without a connection; a whole shift may sign in from one address."""
_running: Counter[str] = Counter()
_waiting: Counter[str] = Counter()
_slot_freed = threading.Condition()


@dataclass(frozen=True)
class ConcurrencyLimits:
    """How many attempts may be under way: of one address, and in all."""

    of_an_address: int
    in_all: int


def concurrency_limits() -> ConcurrencyLimits:
    """Half the pool in all; one address leaves a turn to the others, unless the pool is too small for that."""
    in_all = max(1, current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] // 2)
    return ConcurrencyLimits(max(1, min(MAX_PER_ADDRESS, in_all - 1)), in_all)


@contextmanager
def limit_concurrency() -> Iterator[None]:
    """Count this request until the block ends; `LockedOut` for a moment (429) when too many are under way.

    Call it before the database is asked anything: what is refused here must cost next to nothing. A connection that the
    request holds all the same is given back before it waits.
    """
    if not has_request_context() or "is_counted_attempt" in g:
        yield
        return
    if actions.current_action() is not None:
        raise RuntimeError("count the attempt before the action: it would wait with a connection to the database")
    end_request_session()
    address = request.remote_addr or ""
    _take_slot(address, concurrency_limits())
    g.is_counted_attempt = True
    try:
        yield
    finally:
        g.pop("is_counted_attempt", None)
        _free_slot(address)


def _take_slot(address: str, limit: ConcurrencyLimits) -> None:
    """Count the attempt at once or after a short wait, or refuse it."""
    with _slot_freed:
        if not _has_free_slot(address, limit) and not _wait_for_slot(address, limit):
            g.is_turned_away = True
            raise LockedOut(N_("Too many people are signing in now. Wait a moment, then try again."))
        _running[address] += 1


def _has_free_slot(address: str, limit: ConcurrencyLimits) -> bool:
    return _running[address] < limit.of_an_address and _running.total() < limit.in_all


def _wait_for_slot(address: str, limit: ConcurrencyLimits) -> bool:
    """Whether a turn became free in time. Only some of an address wait: a crowd from one address costs no memory."""
    if _waiting[address] >= MAX_WAITING_PER_ADDRESS:
        return False
    _waiting[address] += 1
    try:
        return _slot_freed.wait_for(lambda: _has_free_slot(address, limit), MAX_WAIT_SECONDS)
    finally:
        _decrement(_waiting, address)


def _free_slot(address: str) -> None:
    with _slot_freed:
        _decrement(_running, address)
        _slot_freed.notify_all()


def _decrement(counts: Counter[str], address: str) -> None:
    counts[address] -= 1
    if not counts[address]:
        del counts[address]
