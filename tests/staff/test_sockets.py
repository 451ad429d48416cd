"""Sockets of open pages: who can connect, which events they receive, and how soon they close."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import socketio
from flask import Flask
from socketio.exceptions import ConnectionError as Refused
from sqlalchemy import select, update
from werkzeug.serving import make_server

from hms.core import clock, seldom_log
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.events import Event, publish
from hms.core.person import SYSTEM
from hms.staff.models import Role, User, UserSession
from hms.staff.sessions import actions
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests.house.test_database_faults import without_database

pytestmark = pytest.mark.security("M")

WITHIN_SECONDS = 5.0


class OpenPage:
    """A page with its socket: the received events, and when it was closed."""

    def __init__(self, app: Flask, url: str, username: str, origin: str) -> None:
        with app.test_request_context():
            user = database.session.scalars(select(User).filter_by(username=username)).unique().one()
            sid = open_session(AuthenticatedAccount(user.id, user.token_version))
        self.browser = app.test_client()
        with self.browser.session_transaction() as cookie:
            cookie["sid"] = sid
        self.user_id, self.cookie = user.id, self.browser.get_cookie("hms").value
        self.session_id = actions.list_sessions(user.id)[0].id
        self.url, self.heard, self.cut_off_at = url, [], None
        self.cut_off, self.spoken_to = threading.Event(), threading.Event()
        self.socket = socketio.Client(reconnection=False, websocket_extra_options={"origin": origin})
        self.socket.on("alert", self._hear)
        self.socket.on("disconnect", self._note_end)

    def connect(self, cookie: str | None = None, **headers: str) -> OpenPage:
        """As a browser does; `cookie` stands in for the session's own."""
        sent = {"Cookie": f"hms={self.cookie if cookie is None else cookie}", **headers}
        self.socket.connect(self.url, headers=sent, transports=["websocket"])
        return self

    def _hear(self, event: dict[str, str]) -> None:
        self.heard.append(event["kind"])
        self.spoken_to.set()

    def _note_end(self, *_reason: object) -> None:
        self.cut_off_at = time.monotonic()
        self.cut_off.set()


@pytest.fixture
def page(real_app: Flask) -> Iterator[Callable[..., OpenPage]]:
    """`page("nurse")`: a signed-in page at a running server, its socket not yet connected."""
    server = make_server("127.0.0.1", 0, real_app, threaded=True)
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    opened: list[OpenPage] = []

    def open_page(username: str, origin: str | None = None) -> OpenPage:
        url = f"http://127.0.0.1:{server.server_port}"
        opened.append(OpenPage(real_app, url, username, origin or url))
        return opened[-1]

    yield open_page
    for page in opened:
        page.socket.disconnect()
    server.shutdown()
    running.join()
    server.server_close()


def _change(user_id: int, **values: object) -> None:
    with action_context("tests.change", SYSTEM):
        user = database.session.get(User, user_id, populate_existing=True)
        for name, value in values.items():
            setattr(user, name, value)


def _session(page: OpenPage, **values: object) -> None:
    database.session.execute(update(UserSession).where(UserSession.id == page.session_id).values(**values))
    database.session.commit()


def _sign_out(page: OpenPage) -> None:
    token = page.browser.get("/profile").get_data(as_text=True).split('csrf_token" value="')[1].split('"')[0]
    assert page.browser.post("/logout", data={"csrf_token": token}).status_code == 303


def _take_role_of_nurse(page: OpenPage) -> None:
    _change(page.user_id, role_id=database.session.scalars(select(Role.id).filter_by(code="nurse")).one())


LOSSES = {
    "doctor": _sign_out,
    "cashier": lambda page: _change(page.user_id, is_active=False),
    "lab": _take_role_of_nurse,
    "pharmacist": lambda page: _session(page, expires_at=clock.now()),
    "receptionist": lambda page: actions.lock_session(page.session_id),
    "admin": lambda page: actions.end_all_sessions(page.user_id, by=SYSTEM),
}


def test_a_socket_closes_within_five_seconds_after_the_permission_is_lost(page, record_property):
    stays, took = page("nurse").connect(), []
    losers = {name: page(name).connect() for name in LOSSES}
    lost_at = {}
    for name, lose in LOSSES.items():
        lose(losers[name])
        lost_at[name] = time.monotonic()
        database.session.remove()
    for name, loser in losers.items():
        assert loser.cut_off.wait(2 * WITHIN_SECONDS), f"{name} is still connected"
        took.append(loser.cut_off_at - lost_at[name])
    record_property("figure", f"sockets: seconds until the last of six was cut off: {max(took):.1f} (at most 5)")
    assert max(took) <= WITHIN_SECONDS
    assert stays.socket.connected


def test_a_page_receives_the_events_of_its_role_and_joins_no_other_room(page):
    nurse = page("nurse").connect()
    for wish in ("join", "join_room", "subscribe", "message"):
        nurse.socket.emit(wish, {"room": "event:stock-changed"})
        nurse.socket.emit(wish, "event:stock-changed")
    with action_context("tests.change", SYSTEM):
        publish(Event.STOCK_CHANGED)
        publish(Event.QUEUE_CHANGED)
    assert nurse.spoken_to.wait(5)
    assert nurse.heard == ["queue-changed"]


def test_a_page_that_connects_without_the_database_is_refused_and_connects_later(page, caplog):
    """Without an answer it would wait until it is opened again. The log says it once, without a traceback."""
    seldom_log._last_logged.clear()
    pages = [page(name) for name in ("nurse", "doctor", "cashier")]
    refusals: list[object] = []
    with without_database(), caplog.at_level(logging.WARNING):
        for one in pages:
            one.socket.on("connect_error", refusals.append)
            with pytest.raises(Refused):
                one.connect()
    assert len(refusals) == 3
    assert not [line for line in caplog.records if line.exc_info]
    assert len([line for line in caplog.records if "a page could not connect" in line.getMessage()]) == 1
    assert pages[0].connect().socket.connected


def test_nobody_else_can_connect(page):
    locked = page("doctor")
    actions.lock_session(locked.session_id)
    strangers = {
        "another site": lambda: page("nurse", origin="https://evil.test").connect(),
        "no site": lambda: page("nurse", origin="null").connect(),
        "no cookie": lambda: page("nurse").connect(cookie=""),
        "a forged cookie": lambda: page("nurse").connect(cookie="forged"),
        "a token": lambda: page("nurse").connect(cookie="", Authorization="Bearer x.y.z"),
        "a locked page": locked.connect,
    }
    let_in = []
    for who, connect in strangers.items():
        with suppress(Refused):
            connect()
            let_in.append(who)
    assert let_in == []
    assert page("nurse").connect().socket.connected
