"""Sockets of open pages: the events each page may receive; closing sockets within seconds after the session ends."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from flask_socketio import disconnect, join_room
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hms.core import clock
from hms.core.background import redis
from hms.core.db.session import db
from hms.core.events import SUBSCRIBERS, room_of_event, room_of_person, socketio
from hms.core.seldom_log import log_seldom
from hms.core.web.guard import current_person
from hms.staff.models import Role, User, UserSession
from hms.staff.request_user import idle_limit

log = logging.getLogger(__name__)

CHECK_SECONDS = 2


@dataclass(frozen=True)
class ConnectedPage:
    """A connected page: its session, and the permissions with which it joined its rooms."""

    session_id: int
    grants: frozenset[str]


_pages: dict[str, ConnectedPage] = {}
_watcher_lock = threading.Lock()


@socketio.on("connect")
def connect_page(_auth: Any = None) -> bool:
    """Accept a signed-in page and join it to the rooms of the events it may receive; a client cannot choose rooms.

    While Redis is away no page is accepted; pages then poll.
    """
    who = current_person()
    if not who.is_authenticated or who.session_id is None or not redis.is_available():
        return False
    join_room(room_of_person(who.id))
    for kind, action in SUBSCRIBERS.items():
        if who.may(action):
            join_room(room_of_event(kind))
    _pages[request.sid] = ConnectedPage(who.session_id, who.grants)
    _start_watcher(current_app._get_current_object())
    db.session.remove()
    return True


@socketio.on("disconnect")
def disconnect_page(_reason: Any = None) -> None:
    _pages.pop(request.sid, None)


def _start_watcher(app: Flask) -> None:
    """Start the background task that watches this process's pages, if it does not run; it ends with the last page."""
    if _watcher_lock.acquire(blocking=False):
        socketio.start_background_task(_watch_pages, app)


def _watch_pages(app: Flask) -> None:
    try:
        while _pages:
            socketio.sleep(CHECK_SECONDS)
            _close_ended(app)
    finally:
        _watcher_lock.release()


def _close_ended(app: Flask) -> None:
    """Close the sockets of ended or locked sessions, closed accounts and changed roles.

    While Redis is away all sockets are closed; while the database is away none.
    """
    with app.app_context():
        if not redis.is_available():
            for sid in list(_pages):
                _close(sid)
            return
        try:
            live = _grants_by_session({page.session_id for page in _pages.values()})
        except Exception:
            log_seldom(log, "open pages", "open pages could not be checked")
            return
        finally:
            db.session.remove()
        for sid, page in list(_pages.items()):
            if live.get(page.session_id) != page.grants:
                _close(sid)


@socketio.on("*")
def check_sender(_event: str, *_data: Any) -> None:
    """Ignore any message of a page; close its socket when it is no longer signed in."""
    page = _pages.get(request.sid)
    live = _grants_by_session({page.session_id}) if page else {}
    db.session.remove()
    if page is None or live.get(page.session_id) != page.grants:
        _close(request.sid)


@socketio.on_error_default
def refuse_without_database(error: Exception) -> bool:
    """Refuse the connection of a page, or ignore its message, while the database is not available; pages connect again later."""
    if not isinstance(error, SQLAlchemyError):
        raise error
    db.session.rollback()
    log_seldom(log, "sockets", "a page could not connect: %s", type(error).__name__)
    return False


def _close(sid: str) -> None:
    _pages.pop(sid, None)
    disconnect(sid, namespace="/")


def _grants_by_session(session_ids: set[int]) -> dict[int, frozenset[str]]:
    """The present permissions of each session that is signed in and not locked, by session id."""
    now = clock.now()
    query = (
        select(UserSession.id, UserSession.last_seen_at, Role.grants, Role.idle_minutes)
        .join(User, UserSession.user_id == User.id)
        .outerjoin(Role, User.role_id == Role.id)
        .where(UserSession.id.in_(session_ids), UserSession.ended_at.is_(None), User.is_active)
        .where(UserSession.expires_at > now, UserSession.locked_at.is_(None))
    )
    rows = db.session.execute(query)
    return {
        row.id: frozenset(row.grants or ()) for row in rows if row.last_seen_at > now - idle_limit(row.idle_minutes)
    }
