"""Hooks of gunicorn, which reads this file at its start."""

from __future__ import annotations

import sys
from typing import Any


def on_starting(_server: Any) -> None:
    """Exit with a message when the configuration is not valid, instead of starting workers that fail."""
    from config import EXIT_NOT_READY, Config, NotReady

    try:
        Config.from_environment()
    except NotReady as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_NOT_READY)


def pre_request(_worker: Any, request: Any) -> None:
    """Close the connection after a request with a chunked body.

    The application refuses it unread (411). On an open connection gunicorn would read the rest before the next request,
    and a body in chunks of one byte would keep a worker busy as long as it is sent.
    """
    if any(name.upper() == "TRANSFER-ENCODING" for name, _value in request.headers):
        request.force_close()
