"""Ports for the embedded servers."""

from __future__ import annotations

import random
import socket

from hms.local.errors import LocalServersFailed

# Below 32768, where Linux hands out ports to outgoing connections that could be in our way at the next start.
_RANGE = (20000, 32767)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `port` of `host` now."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(address)
        except OSError:
            return False
    return True


def choose_port() -> int:
    """A free port of this machine's loopback address, outside the range for outgoing connections."""
    dice = random.SystemRandom()
    for _ in range(200):
        port = dice.randint(*_RANGE)
        if is_free("127.0.0.1", port):
            return port
    raise LocalServersFailed("No free port between 20000 and 32767 was found on 127.0.0.1; stop some programs.")
