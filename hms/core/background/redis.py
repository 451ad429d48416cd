"""The connection to Redis, with short time-outs so that no page waits long when Redis is down."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SHORT_TIMEOUTS: dict[str, Any] = {
    "socket_connect_timeout": 0.4,
    "socket_timeout": 0.4,
    "retry": Retry(NoBackoff(), 0),
}
"""One try of less than half a second for each command: redis-py itself would try four times, five seconds each."""
FRESH_SECONDS = 1.0
"""Redis that answered this long ago is used without a test."""
_answered_at = 0.0


@lru_cache(maxsize=4)
def _connect(url: str) -> Redis:
    return Redis.from_url(url, health_check_interval=15, **SHORT_TIMEOUTS)


def connection() -> Redis:
    """The shared connection for short commands (enqueue, ping)."""
    return _connect(current_app.config["REDIS_URL"])


def is_available() -> bool:
    """Whether Redis answers at this moment."""
    global _answered_at
    try:
        connection().ping()
    except Exception:
        _answered_at = 0.0
        return False
    _answered_at = time.monotonic()
    return True


def answered_lately() -> bool:
    """Whether Redis answered a test within the last second, or answers now."""
    return time.monotonic() - _answered_at < FRESH_SECONDS or is_available()
