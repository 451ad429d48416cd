"""The body of a request: how large it may be, and how it is read.

A body that says it is too large, or does not say how large it is, is refused before anything of it is read. Every other
body is read in full before the database is asked anything, so that a slow sender keeps no connection to the database.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import current_app, request
from werkzeug.exceptions import LengthRequired, RequestTimeout

from hms.core.permissions import Permission

MAX_BODY = 2 * 2**20
"""What a signed-in person or program may send; `client_max_body_size` in deploy/nginx.conf is the same."""
MAX_PUBLIC_BODY = 256 * 2**10
"""What anybody may send to a route that needs no sign-in."""
READ_WITHIN_SECONDS = 60
V = TypeVar("V", bound=Callable[..., Any])


def max_body_size(size: int) -> Callable[[V], V]:
    """Give a route a limit of its own, in bytes."""

    def mark(view: V) -> V:
        view.largest_body = size  # type: ignore[attr-defined]
        return view

    return mark


def body_limit(view: Callable[..., Any]) -> int:
    """How many bytes the body of a request to `view` may have."""
    usual = MAX_PUBLIC_BODY if getattr(view, "needs", None) is Permission.PUBLIC else MAX_BODY
    return getattr(view, "largest_body", usual)


def read_body() -> None:
    """Before every request: read its body. Raises 411 without a length, 413 above the route's limit, 408 when it is slow."""
    if request.headers.get("Transfer-Encoding"):
        raise LengthRequired
    if request.endpoint is None or not request.content_length:
        return
    request.max_content_length = body_limit(current_app.view_functions[request.endpoint])
    with _deadline():
        request.get_data()


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise 408 when a body takes too long; only a web server of green threads can interrupt a read."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        yield
        return
    from gevent import Timeout

    with Timeout(READ_WITHIN_SECONDS, RequestTimeout):
        yield
