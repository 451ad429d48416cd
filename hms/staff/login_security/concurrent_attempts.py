"""Limits how many requests of this web process check or hash passwords at the same time: for one address and in total.

Such a request needs a database connection now and then, and requests for one account wait for each other in the database.
The total is therefore half the connection pool, so that other pages still get a connection.
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
"""How long an attempt waits for a free slot, in memory and without a connection. A whole shift may sign in from one address."""
_running: Counter[str] = Counter()
_waiting: Counter[str] = Counter()
_slot_freed = threading.Condition()


@dataclass(frozen=True)
class ConcurrencyLimits:
    """How many attempts may run at the same time: for one address and in total."""

    per_address: int
    total: int


def concurrency_limits() -> ConcurrencyLimits:
    """In total half the connection pool; one address leaves at least one slot to others where the pool allows it."""
    total = max(1, current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] // 2)
    return ConcurrencyLimits(max(1, min(MAX_PER_ADDRESS, total - 1)), total)


@contextmanager
def limit_concurrency() -> Iterator[None]:
    """Take a slot for this request until the block ends; raises `LockedOut` (429) when none becomes free in time.

    Call it before the first database query, so that a refused request costs little. It ends the request's database session
    before it waits.
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
    """Take a free slot at once or after a short wait; raises `LockedOut` when there is none."""
    with _slot_freed:
        if not _has_free_slot(address, limit) and not _wait_for_slot(address, limit):
            g.is_over_capacity = True
            raise LockedOut(N_("Too many people are signing in now. Wait a moment, then try again."))
        _running[address] += 1


def _has_free_slot(address: str, limit: ConcurrencyLimits) -> bool:
    return _running[address] < limit.per_address and _running.total() < limit.total


def _wait_for_slot(address: str, limit: ConcurrencyLimits) -> bool:
    """Whether a slot became free in time. The number that wait for one address is limited, so that they fill no memory."""
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
