"""A running hospital and the system's Chromium: real pages, real sockets, real keyboard."""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from sqlalchemy import select

from config import Config
from hms.core.db.session import db as database
from hms.core.events import Event, connect_broker, room_of_event
from hms.local import processes
from hms.local.servers import ports
from hms.local.supervisor.child_process import Child
from hms.local.supervisor.main import flask_command
from hms.staff.models import User
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests import servers
from tests.apps import app_beside
from tests.conftest import _worker_number, config_for
from tools.browser import find_chromium

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 30_000
HARMLESS = re.compile(
    r"asked (data|ws|blob|chrome|chrome-extension):|.* status of (400|409) |.* status of 404 .*/favicon\.ico$"
)
"""Messages that are no errors: Chromium reports the 400 or 409 of a refused form, and requests of its PDF viewer."""
SIZES = {"desk": (1366, 768), "tablet": (810, 1080), "phone": (320, 900)}


@dataclass(frozen=True)
class Served:
    """A running hospital at `url`."""

    app: Flask
    url: str
    redis_url: str
    beside: dict[str, Child] = field(default_factory=dict)

    def publish(self, kind: Event) -> None:
        """Publish an event to every open page that may see it, as an action does."""
        broker = connect_broker(self.redis_url)
        broker.emit("alert", {"kind": kind.value}, room=room_of_event(kind), namespace="/")

    def cookie_of(self, username: str) -> dict[str, str]:
        """The cookie of a fresh session of that person."""
        with self.app.test_request_context():
            user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
            sid = open_session(AuthenticatedAccount(user.id, user.token_version))
            database.session.remove()
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie["sid"] = sid
        return {"name": "hms", "value": client.get_cookie("hms").value, "url": self.url}


def _environment(config: Config) -> dict[str, str]:
    """The environment of the programs of a test hospital."""
    return os.environ | {
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
        "JWT_SECRET_KEY": config.jwt_secret_key,
        "AUDIT_KEY": config.audit_key,
        "TOTP_KEYS": ",".join(config.totp_keys),
        "HMS_DATA_DIR": str(config.data_dir),
        "HMS_HOSTS": "127.0.0.1",
    }


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/login", timeout=10).status == 200  # noqa: S310 - our own server
    except (URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def opened(
    name: str, template: str, redis_url: str, *helpers: str, variables: dict[str, str] | None = None
) -> Iterator[Served]:
    """A hospital on its own copy of the database `template`: the web server as `make run` starts it, on a free port,
    and beside it `helpers`: "work" makes documents, "schedule" starts tasks by time. `variables` go to these programs."""
    config = config_for(servers.create_database(name, template), redis_url=redis_url)
    app, bind = app_beside(config), f"127.0.0.1:{ports.choose_port()}"
    environment = _environment(config) | (variables or {})
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--graceful-timeout", "1"]
    command += ["--no-control-socket", "-b", bind, "wsgi:app"]
    # The kit page is shown where a demo is told to debug.
    of_web = {"SOCKETIO_ASYNC": "gevent", "FLASK_DEBUG": "1", "HMS_DEMO": "1"}
    web = Child(name, command, environment | of_web, servers.HOME)
    beside = {word: Child(f"{name}-{word}", flask_command(word), environment, servers.HOME) for word in helpers}
    try:
        web.start()
        for child in beside.values():
            child.start()
        if not processes.wait_until(lambda: _answers(f"http://{bind}") or web.exit_code() is not None, 120):
            pytest.fail(f"The web server did not answer: {web.log.read_text()[-2000:]}")
        yield Served(app, f"http://{bind}", redis_url, beside)
    finally:
        for child in (web, *beside.values()):
            child.stop(5)
        with app.app_context():
            database.session.remove()
            database.engine.dispose()
        servers.drop_database(name)


@pytest.fixture(scope="module")
def served(template: str) -> Iterator[Served]:
    """An empty hospital with its web server alone, for the tests of one file."""
    number = _worker_number()
    with opened(f"hms_browser_{number}", template, servers.redis_url(40 + number)) as hospital:
        yield hospital


@pytest.fixture(scope="module")
def hospital(demo_template: str) -> Iterator[Served]:
    """The demo hospital with worker and scheduler, for the tests of one file."""
    number = _worker_number()
    url = servers.redis_url(50 + number % 10)
    with opened(f"hms_hospital_{number}", demo_template, url, "work", "schedule") as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _words(said: ConsoleMessage) -> str:
    return f"{said.text} {said.location.get('url', '')}"


@pytest.fixture
def at_desk(chromium: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """`at_desk("doctor", size="tablet", scheme="dark")`: an empty tab signed in as that person (None: signed out).

    Fails at the end when a tab reported an error or a refused script, or sent a request to another site.
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
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if username:
            context.add_cookies([served.cookie_of(username)])
        tab = context.new_page()
        tab.on("console", lambda said: said.type in ("error", "warning") and complaints.append(_words(said)))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda sent: sent.url.startswith(served.url) or complaints.append(f"asked {sent.url}"))
        tab.complaints = complaints
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert [text for text in complaints if not HARMLESS.match(text)] == []


@pytest.fixture(scope="session")
def axe_source() -> str:
    """axe-core, to be run in a page."""
    return AXE.read_text()


@pytest.fixture
def axe(axe_source: str) -> Callable[[Page], list[str]]:
    """`axe(tab)`: the faults that axe-core finds on the page, as text."""

    def found(tab: Page) -> list[str]:
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        tab.evaluate(axe_source)
        answer = tab.evaluate("tags => axe.run({runOnly: tags})", tags)
        return [f"{v['id']}: {n['target']} {n['html'][:120]}" for v in answer["violations"] for n in v["nodes"]]

    return found
