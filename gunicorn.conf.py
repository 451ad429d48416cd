"""Hooks of gunicorn, which reads this file at its start."""

from __future__ import annotations

import os
import sys
from typing import Any

import gevent
from gevent.event import Event
from gunicorn.workers.ggevent import GeventWorker

SECONDS_BETWEEN_NOTICES = 5
"""How long a web process sleeps between two signs of life for gunicorn, which kills it after 30 seconds without one."""


class QuietWorker(GeventWorker):
    """A gevent worker that does not wake up each second while nobody works."""

    def init_process(self) -> None:
        """Run the worker; called in its own process."""
        self._is_asked_to_end = Event()
        super().init_process()

    def notify(self) -> None:
        """Give a sign of life, and sleep for a while unless the worker is asked to end."""
        super().notify()
        if self.alive:
            self._is_asked_to_end.wait(SECONDS_BETWEEN_NOTICES)

    def handle_exit(self, sig: int, frame: Any) -> None:
        gevent.spawn(self._is_asked_to_end.set)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        gevent.spawn(self._is_asked_to_end.set)
        super().handle_quit(sig, frame)


if os.environ.get("SOCKETIO_ASYNC") == "gevent":
    worker_class = QuietWorker


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
