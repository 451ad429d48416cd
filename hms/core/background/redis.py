"""The connection to Redis, with short time-outs so that no page waits long when Redis is down."""

from __future__ import annotations

from functools import lru_cache

from flask import current_app
from redis import Redis


@lru_cache(maxsize=4)
def _connect(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=1.0, health_check_interval=15)


def connection() -> Redis:
    """The shared connection for short commands (enqueue, ping)."""
    return _connect(current_app.config["REDIS_URL"])


def is_available() -> bool:
    """Whether Redis answers at this moment."""
    try:
        return bool(connection().ping())
    except Exception:
        return False
