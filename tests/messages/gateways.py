"""A real mail server and a real SMS gateway on this machine, in threads, which keep what they were sent."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller

from hms.local.servers import ports


@dataclass
class Answer:
    """What the gateway does with a request: a status and a body, or nothing at all until `release`."""

    status: int = 200
    body: str = '{"id": "gw-%d"}'
    hangs: bool = False


@dataclass
class SmsGateway:
    """`answers` are used up one by one; then every request is good."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    release: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/send"

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0))).decode()
        self.requests.append((handler.command, handler.path, dict(handler.headers), body))
        answer = self.answers.pop(0) if self.answers else Answer()
        if answer.hangs:
            self.release.wait(20)
            return
        text = answer.body.replace("%d", str(len(self.requests))).encode()
        handler.send_response(answer.status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


@contextmanager
def sms_gateway() -> Iterator[SmsGateway]:
    gateway = SmsGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            gateway.take(self)

        do_GET = do_PUT = do_POST

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gateway.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.release.set()
        server.shutdown()
        server.server_close()


@dataclass
class MailServer:
    """`refusals` are given to recipients one by one; then every mail is taken. With `hangs` the text gets no answer."""

    refusals: list[str] = field(default_factory=list)
    hangs: bool = False
    mails: list[Any] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.hangs:
            server.transport.abort()
        return "250 queued as 4711"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    mails = MailServer(port=ports.choose_port())
    controller = Controller(mails, hostname="127.0.0.1", port=mails.port)
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()
