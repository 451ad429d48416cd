"""Does a request again that failed because of a lost connection or a deadlock, up to three times in all.

The error handler marks the request (`mark_for_repeat`), `RequestRepeater` does it again: with a new request, a new session
and the same body. `hms.core.db.transient_errors` says which requests may be repeated.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from flask import Response, request

from hms.core.db.transient_errors import TRIES_LEFT

MAX_TRIES = 3
_REPEAT = "hms.repeat"


def mark_for_repeat() -> Response:
    """Mark this request to be done again; the response is not sent."""
    request.environ["wsgi.input"] = BytesIO(request.get_data())
    request.environ[_REPEAT] = True
    return Response(status=503)


class RequestRepeater:
    """The WSGI application inside, which repeats the marked requests."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        for tries_left in range(MAX_TRIES - 1, -1, -1):
            environ[TRIES_LEFT] = tries_left
            environ.pop(_REPEAT, None)
            started: list[tuple[Any, ...]] = []
            body = self.application(environ, lambda *head, started=started: started.append(head))
            if _REPEAT not in environ:
                break
            if hasattr(body, "close"):
                body.close()
            time.sleep(random.uniform(0, 0.1))  # noqa: S311 - so that two requests do not meet in the same way again
        start_response(*started[-1])
        return body
