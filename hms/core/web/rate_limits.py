"""How often one address may ask for what could be misused, such as signing in; also while Redis is away."""

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
    """Put the limiter on the application."""
    limiter.init_app(app)
