"""Reading the body of a request, and its maximum size.

A request whose Content-Length is too large or missing is refused before its body is read. Every other body is read in full
before the first database query, so that a slow client does not hold a database connection.
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
"""Bytes for a route that needs a sign-in; `client_max_body_size` in deploy/nginx.conf is the same."""
MAX_PUBLIC_BODY = 256 * 2**10
"""Bytes for a route that needs no sign-in."""
READ_WITHIN_SECONDS = 60
V = TypeVar("V", bound=Callable[..., Any])


def max_body_size(size: int) -> Callable[[V], V]:
    """Set the maximum body size of a route, in bytes."""

    def mark(view: V) -> V:
        view.largest_body = size  # type: ignore[attr-defined]
        return view

    return mark


def body_limit(view: Callable[..., Any]) -> int:
    """The maximum body size of `view`, in bytes."""
    default = MAX_PUBLIC_BODY if getattr(view, "needs", None) is Permission.PUBLIC else MAX_BODY
    return getattr(view, "largest_body", default)


def read_body() -> None:
    """Before every request: read its body. 411 without a length, 413 above the route's limit, 408 after
    `READ_WITHIN_SECONDS`."""
    if request.headers.get("Transfer-Encoding"):
        raise LengthRequired
    if request.endpoint is None or not request.content_length:
        return
    request.max_content_length = body_limit(current_app.view_functions[request.endpoint])
    with _deadline():
        request.get_data()


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise 408 when reading takes too long; only under gevent, where a read can be interrupted."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        yield
        return
    from gevent import Timeout

    with Timeout(READ_WITHIN_SECONDS, RequestTimeout):
        yield
