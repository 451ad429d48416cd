"""The address on which the web server listens, and the host names it accepts."""

from __future__ import annotations

import errno
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import LocalServersFailed

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised here, not bound # nosec B104
_BACKLOG = 2048
"""Connections that wait to be taken; gunicorn's own number."""


def allowed_hosts(environment: Mapping[str, str]) -> dict[str, str]:
    """`HMS_HOSTS` for a hospital on this machine: the names it is set to, else this machine's own, and the loopback.

    A demo without `HMS_HOSTS` accepts any name: the result is empty.
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
        """The address from host and port as text; raises `LocalServersFailed` for an impossible port."""
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise LocalServersFailed(f"HMS_PORT must be a number from 1 to 65535, not {port!r}.")
        return cls(host, int(port))

    @property
    def bind(self) -> str:
        """The address as gunicorn's `--bind` option."""
        return f"{_in_brackets(self.host)}:{self.port}"

    @property
    def browser_url(self) -> str:
        """The URL to type in a browser; it has this machine's name when the server listens on all its addresses."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return f"http://{_in_brackets(host)}:{self.port}"

    def listen(self) -> socket.socket:
        """A socket that listens here, for the web server. Connections wait in it until the server takes them, also while
        it starts or is restarted. Raises `LocalServersFailed` when another program listens here or the address is not
        this machine's."""
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            is_dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
            return socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = f"Another program uses port {self.port}. Choose another: make run HMS_PORT={self.port + 1}"
            else:
                message = f"The address {self.bind} cannot be used ({error.strerror}). Set HMS_HOST and HMS_PORT."
            raise LocalServersFailed(message) from error

    def answers(self, path: str) -> bool:
        """Whether a GET of `path` returns status 200."""
        url = f"http://{_in_brackets(_EVERYWHERE.get(self.host, self.host))}:{self.port}{path}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=5) as response:
                return response.status == 200
        except OSError:
            return False


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
