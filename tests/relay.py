"""A relay in front of a server: it can be frozen, as a server under SIGSTOP or behind a broken network is.

Connections are still accepted and stay open; nothing passes. The server itself goes on for the other tests.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything to `port`."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._flows = threading.Event()
        self._flows.set()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing passes in this block."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._target)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source, sink:
            while content := source.recv(65536):
                self._flows.wait()
                sink.sendall(content)
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(url: str) -> Iterator[tuple[str, Relay]]:
    """The address `url` by way of a relay, and the relay."""
    port = urlsplit(url).port or 0
    relay = Relay(port)
    try:
        yield url.replace(f":{port}/", f":{relay.port}/"), relay
    finally:
        relay.close()
