"""Where the web server of this hospital answers."""

from __future__ import annotations

import errno
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import LocalServersFailed

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised here, not bound # nosec B104


def allowed_hosts(environment: Mapping[str, str]) -> dict[str, str]:
    """`HMS_HOSTS` for a hospital of this machine: the named ones, or this machine's own, and always the loopback.

    A demo without named hosts is reached by any name.
    """
    named = environment.get("HMS_HOSTS", "")
    if not named and environment.get("HMS_DEMO") == "1":
        return {}
    host = environment.get("HMS_HOST") or "127.0.0.1"
    own = [socket.gethostname()] if host in _EVERYWHERE else [_in_brackets(host)]
    return {"HMS_HOSTS": ",".join(dict.fromkeys([*([named] if named else own), "127.0.0.1", "localhost", "[::1]"]))}


@dataclass(frozen=True)
class Address:
    """The host and port of `HMS_HOST` and `HMS_PORT`."""

    host: str
    port: int

    @classmethod
    def read(cls, host: str, port: str) -> Address:
        """The address from its two words; an impossible port is refused in a sentence."""
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise LocalServersFailed(f"HMS_PORT must be a number from 1 to 65535, not {port!r}.")
        return cls(host, int(port))

    @property
    def bind(self) -> str:
        """As gunicorn wants it."""
        return f"{_in_brackets(self.host)}:{self.port}"

    @property
    def for_people(self) -> str:
        """What to type in a browser: this machine's name when every one of its addresses answers."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return f"http://{_in_brackets(host)}:{self.port}"

    def obstacle(self) -> str:
        """Why no server can listen here now, as a sentence; empty when one can."""
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as candidate:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                candidate.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"Port {self.port} is taken by another program. Choose another: make run HMS_PORT={self.port + 1}"
                )
            return f"The address {self.bind} cannot be used ({error.strerror}). Set HMS_HOST and HMS_PORT."
        return ""

    def answers(self, path: str) -> bool:
        """Whether a GET of `path` gets an answer that is not an error."""
        url = f"http://{_in_brackets(_EVERYWHERE.get(self.host, self.host))}:{self.port}{path}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
