"""Work that takes a processor for a while, kept out of the way of other requests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")


def run_in_thread(work: Callable[..., R], *given: Any) -> R:
    """`work(*given)`, on an operating system thread when this process serves requests on green threads, so that others go on."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return work(*given)
    from gevent import get_hub

    return get_hub().threadpool.apply(work, given)
