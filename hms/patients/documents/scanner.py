"""The virus scanner: clamd over TCP or a socket, by its command INSTREAM (man clamd)."""

from __future__ import annotations

import socket
import struct

from hms.core.errors import RuleBroken, Unavailable
from hms.core.settings import store as settings
from hms.core.text.translation import N_

WAIT_SECONDS = 20
CHUNK = 64 * 1024
CLEAN, NOT_SCANNED = "clean", "not_scanned"
DEFAULT_PORT = 3310


def scan(content: bytes, field: str) -> str:
    """CLEAN when the scanner found nothing, NOT_SCANNED without a scanner, or when it is away and not required.

    Raises `RuleBroken` at `field` when it found something, `Unavailable` when it is required and gives no verdict.
    """
    address = settings.value("documents.scanner_address")
    if not address:
        return NOT_SCANNED
    try:
        verdict = _ask(address, content)
    except (OSError, ValueError):
        verdict = ""
    if verdict.endswith(" FOUND"):
        raise RuleBroken(N_("The virus scanner refuses this file. Do not open it."), field, code="virus")
    if verdict.endswith(": OK"):
        return CLEAN
    if settings.value("documents.scanner_is_required"):
        raise Unavailable(
            N_("The virus scanner does not answer, so no file is taken. Try again, or tell an administrator.")
        )
    return NOT_SCANNED


def _ask(address: str, content: bytes) -> str:
    """The scanner's answer, for example "stream: OK"."""
    with _connect(address) as connection:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK):
            chunk = content[start : start + CHUNK]
            connection.sendall(struct.pack(">I", len(chunk)) + chunk)
        connection.sendall(struct.pack(">I", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < CHUNK:
            received = connection.recv(4096)
            if not received:
                break
            answer += received
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")


def _connect(address: str) -> socket.socket:
    if address.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(WAIT_SECONDS)
        connection.connect(address)
        return connection
    host, _colon, port = address.partition(":")
    return socket.create_connection((host, int(port or DEFAULT_PORT)), timeout=WAIT_SECONDS)
