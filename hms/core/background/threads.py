"""Runs CPU-bound work so that it does not block other requests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

R = TypeVar("R")
T = TypeVar("T")


def run_in_thread(function: Callable[..., R], *args: Any) -> R:
    """Return `function(*args)`; under gevent it runs on an operating system thread, so that other requests continue."""
    if not _is_gevent():
        return function(*args)
    from gevent import get_hub

    return get_hub().threadpool.apply(function, args)


def let_others_run(rows: Iterable[T], step: int) -> Iterator[T]:
    """The rows; under gevent other requests continue after each `step` of them."""
    is_gevent = _is_gevent()
    for number, row in enumerate(rows, 1):
        yield row
        if is_gevent and number % step == 0:
            from gevent import sleep

            sleep(0)


def _is_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")
