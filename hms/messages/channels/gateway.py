"""Sends one SMS through the hospital's gateway: an HTTP request that the settings describe."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from hms.core.errors import RuleBroken
from hms.core.settings import store as settings
from hms.core.text import gateway_templates as templates
from hms.core.text.translation import N_
from hms.core.text.web_address import check_web_address
from hms.core.web.localisation import in_english

from .results import Outcome, Result, clean_words

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""The longest wait for a whole answer."""
MAX_ANSWER = 64_000
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
BODIES = {
    FORM: "to={{ to }}&text={{ text }}&from={{ sender }}",
    JSON: '{"to": "{{ to }}", "text": "{{ text }}", "from": "{{ sender }}"}',
}
PASSED_ON = frozenset({502, 504, 520, 524})
"""Statuses of a proxy that passed the request on and got no answer: nobody knows whether the message went out."""
TRY_AGAIN = frozenset({401, 403, 408, 425, 429, *range(500, 600)}) - PASSED_ON
"""Statuses after which a message is tried again: of a gateway that is busy or broken, or that was given another password."""
NO_NUMBER = N_("This is no phone number.")


@dataclass(frozen=True)
class Gateway:
    """How the gateway is called. The fields are those of the settings `messages.sms_…`."""

    url: str
    method: str = "POST"
    shape: str = "form"
    headers: str = ""
    body: str = ""
    sender: str = ""
    success: str = ""
    id_field: str = "id"
    token: str = field(default="", repr=False)

    @classmethod
    def from_settings(cls) -> Gateway:
        """The gateway of the settings, with the token of the server."""
        names = ("url", "method", "shape", "headers", "body", "sender", "success", "id_field")
        values = {name: settings.value(f"messages.sms_{name}") for name in names}
        return cls(**values, token=current_app.config["SMS_TOKEN"])


@dataclass(frozen=True)
class GatewayRequest:
    """One request, ready to be sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


def build_request(gateway: Gateway, to: str, text: str, reference: str) -> GatewayRequest:
    """The request that sends `text`; raises `RuleBroken` for an address or headers that cannot be used."""
    check_web_address(gateway.url)
    values = {"to": to, "to_digits": to.removeprefix("+"), "text": text, "sender": gateway.sender}
    values |= {"reference": reference, "token": gateway.token}
    headers = {"Accept": "application/json, text/plain;q=0.9", "User-Agent": "HMS", "Connection": "close"}
    content_type = JSON if gateway.shape.startswith("json") else FORM
    if gateway.shape.endswith("bearer"):
        headers["Authorization"] = f"Bearer {templates.in_header(gateway.token)}"
    own = templates.split_headers(gateway.headers)
    headers |= {name: templates.fill_in(value, values, templates.in_header) for name, value in own.items()}
    url = templates.fill_in(gateway.url, values, templates.in_address)
    if gateway.method == "GET":
        return GatewayRequest("GET", url, headers, None)
    write = templates.in_json if content_type == JSON else templates.in_form
    body = templates.fill_in(gateway.body or BODIES[content_type], values, write)
    headers.setdefault("Content-Type", content_type)
    return GatewayRequest(gateway.method, url, headers, body.encode())


def read_number(typed: str) -> str | None:
    """The phone number without its spaces, brackets, dots and hyphens; None when it is not one number."""
    number = re.sub(r"[\s().-]", "", typed)
    return number if re.fullmatch(r"\+?[0-9]{5,15}", number) else None


def send(gateway: Gateway, to: str, text: str, reference: str) -> Result:
    """Send one SMS; never raises for what the gateway does.

    What fails before the request was sent may be tried again. A gateway that takes the request and does not answer leaves
    the outcome unknown.
    """
    number = read_number(to)
    if number is None:
        return Result(Outcome.REFUSED, NO_NUMBER)
    try:
        request = build_request(gateway, number, text, reference)
    except RuleBroken as error:
        return Result(Outcome.FAILED, in_english(error.sentence))
    connection = _connection(request.url)
    try:
        connection.connect()
        connection.sock.settimeout(ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        return Result(Outcome.FAILED, _explain("Could not connect", error, gateway))
    try:
        with _time_limit(connection):
            answer = _ask(connection, request)
            body = answer.read(MAX_ANSWER)
    except (OSError, HTTPException) as error:
        return Result(Outcome.UNKNOWN, _explain("No answer after the message was handed over", error, gateway))
    finally:
        connection.close()
    return read_answer(gateway, answer.status, body)


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=CONNECT_SECONDS, context=ssl.create_default_context())
    return HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)


def _ask(connection: HTTPConnection, request: GatewayRequest) -> HTTPResponse:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(request.method, target, request.body, request.headers)
    return connection.getresponse()


@contextmanager
def _time_limit(connection: HTTPConnection) -> Iterator[None]:
    """End the connection after `ANSWER_SECONDS`: a gateway that sends a byte now and then would hold the worker."""
    timer = Timer(ANSWER_SECONDS, partial(_shut, connection.sock))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def read_answer(gateway: Gateway, status: int, body: bytes) -> Result:
    """What the gateway's answer means by the settings."""
    text = body.decode("utf-8", "replace")
    words = clean_words(f"{status} {text}", secrets=(gateway.token,))
    if not 200 <= status < 300:
        if status in PASSED_ON:
            return Result(Outcome.UNKNOWN, words)
        return Result(Outcome.FAILED if status in TRY_AGAIN else Outcome.REFUSED, words)
    if gateway.success and gateway.success.casefold() not in text.casefold():
        return Result(Outcome.REFUSED, words)
    return Result(Outcome.SENT, words, read_id(text, gateway.id_field))


def read_id(text: str, path: str) -> str:
    """The gateway's number of the message: at `path` of a JSON answer, or after the word `path` of another text."""
    try:
        found = dig(json.loads(text), path)
    except (ValueError, RecursionError):
        named = re.search(rf"{re.escape(path)}\W{{1,3}}([\w.-]+)", text) if path else None
        found = named[1] if named else ""
    return clean_words(found)[:100] if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def dig(value: Any, path: str) -> Any:
    """What stands at a path like messages.0.id in an object of JSON; None when nothing does."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 4:
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def _explain(what: str, error: Exception, gateway: Gateway) -> str:
    return clean_words(f"{what}: {type(error).__name__}: {error}", secrets=(gateway.token,))
