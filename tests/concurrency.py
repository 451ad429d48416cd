"""Several threads that start at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

LONGEST_START = 20
"""Seconds after which a thread that never started fails the others."""


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """`act(0)` … `act(count - 1)`, each in a thread of its own, all starting at the same moment."""
    start = Barrier(count)

    def run(number: int) -> Any:
        start.wait(LONGEST_START)
        return act(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
