"""Rate limits for one client address, for example on sign-in; kept in memory while Redis is not available."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

LIMITER_OPTIONS: dict[str, Any] = {
    "key_func": get_remote_address,
    "strategy": "moving-window",
    "in_memory_fallback_enabled": True,
    "headers_enabled": True,
}
limiter = Limiter(**LIMITER_OPTIONS)


def install(app: Flask) -> None:
    """Register the limiter."""
    limiter.init_app(app)
