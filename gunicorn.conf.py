"""Read by gunicorn at its start, whatever its command line says beside."""

from __future__ import annotations

import sys
from typing import Any


def on_starting(_server: Any) -> None:
    """End with a sentence when the environment is not complete, instead of starting processes that cannot live."""
    from config import EXIT_NOT_READY, Config, NotReady

    try:
        Config.from_environment()
    except NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(EXIT_NOT_READY)


def pre_request(_worker: Any, request: Any) -> None:
    """Close the connection after a request with a chunked body.

    The application refuses it unread (411). On a connection that stays open gunicorn would read the rest before the next
    request, and a body in chunks of one byte keeps a whole worker busy for as long as it is sent.
    """
    if any(name.upper() == "TRANSFER-ENCODING" for name, _value in request.headers):
        request.force_close()
