"""A running hospital and the system's Chromium: real pages, real sockets, real keyboard."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
from flask import Flask
from flask_socketio import SocketIO
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select

from hms import create_app
from hms.core.alerts import Alert, room
from hms.core.db import db as database
from hms.local import ports, processes
from hms.local.children import Child
from hms.staff.models import User
from hms.staff.signing_in import SignedIn, open_session
from tests import servers
from tests.conftest import _worker_number, config_for
from tools.browser import find_chromium

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1366, 768), "tablet": (810, 1080), "phone": (320, 900)}


@dataclass(frozen=True)
class Served:
    """A hospital that answers at `url`."""

    app: Flask
    url: str
    redis_url: str

    def knock(self, kind: Alert) -> None:
        """Send an alert of `kind` to every open page whose person may hear it, as a desk's action does."""
        SocketIO(message_queue=self.redis_url).emit("alert", {"kind": kind.value}, to=room(kind))

    def cookie_of(self, username: str) -> dict[str, str]:
        """The cookie of a fresh session of that person."""
        with self.app.test_request_context():
            user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
            sid = open_session(SignedIn(user.id, user.token_version))
            database.session.remove()
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie["sid"] = sid
        return {"name": "hms", "value": client.get_cookie("hms").value, "url": self.url}


def _environment(config: object, url: str, redis_number: int) -> dict[str, str]:
    """What the web server of a test hospital reads; the kit page is shown because Flask is told to debug."""
    return os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url(redis_number),
        "SECRET_KEY": config.secret_key,
        "JWT_SECRET_KEY": config.jwt_secret_key,
        "AUDIT_KEY": config.audit_key,
        "TOTP_KEYS": ",".join(config.totp_keys),
        "HMS_DATA_DIR": str(config.data_dir),
        "SOCKETIO_ASYNC": "gevent",
        "FLASK_DEBUG": "1",
    }


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/login", timeout=10).status == 200  # noqa: S310 - our own server
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def served(template: str) -> Iterator[Served]:
    """The web server as `make run` starts it, on a database of its own and a free port, for the tests of one file."""
    name, redis_number = f"hms_browser_{_worker_number()}", 40 + _worker_number()
    address = servers.create_database(name, template)
    config = config_for(address, redis_number)
    app = create_app(config)
    bind = f"127.0.0.1:{ports.choose()}"
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--graceful-timeout", "1"]
    web = Child(
        name,
        [*command, "--no-control-socket", "-b", bind, "wsgi:app"],
        _environment(config, address, redis_number),
        servers.HOME,
    )
    web.start()
    if not processes.wait_until(lambda: _answers(f"http://{bind}") or web.exit_code() is not None, 120):
        web.stop(1)
        pytest.fail(f"The web server did not answer: {web.log.read_text()[-2000:]}")
    yield Served(app, f"http://{bind}", servers.redis_url(redis_number))
    web.stop(5)
    with app.app_context():
        database.engine.dispose()
    servers.drop_database(name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def at_desk(chromium: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """`at_desk("doctor", size="tablet", scheme="dark")`: an empty tab signed in as that person (None: signed out).

    At the end no tab may have reported an error or a refused script, or asked another site for anything.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_tab(username: str | None = None, size: str = "desk", scheme: str = "light", **more: object) -> Page:
        width, height = SIZES[size]
        options = {
            "base_url": served.url,
            "viewport": {"width": width, "height": height},
            "color_scheme": scheme,
            **more,
        }
        context = chromium.new_context(**options)
        contexts.append(context)
        if username:
            context.add_cookies([served.cookie_of(username)])
        tab = context.new_page()
        tab.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda sent: sent.url.startswith(served.url) or complaints.append(f"asked {sent.url}"))
        tab.complaints = complaints
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    told = [text for text in complaints if not text.startswith(("asked data:", "asked ws:"))]
    assert told == []


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """`axe(tab)`: what axe-core finds wrong with the page as it stands, in words."""

    def found(tab: Page) -> list[str]:
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        tab.evaluate(AXE.read_text())
        answer = tab.evaluate("tags => axe.run({runOnly: tags})", tags)
        return [f"{v['id']}: {n['target']} {n['html'][:120]}" for v in answer["violations"] for n in v["nodes"]]

    return found
