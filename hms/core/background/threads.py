"""Runs CPU-bound work so that it does not block other requests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")


def run_in_thread(function: Callable[..., R], *args: Any) -> R:
    """Return `function(*args)`; under gevent it runs on an operating system thread, so that other requests continue."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return function(*args)
    from gevent import get_hub

    return get_hub().threadpool.apply(function, args)
