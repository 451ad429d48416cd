"""Live events for open pages and who may receive them. An event carries its name, never patient data."""

from __future__ import annotations

import logging
import time
from enum import StrEnum

from flask_socketio import SocketIO
from socketio import RedisManager

from .actions import after_commit
from .after_answer import run_after_answer
from .background import redis
from .permissions import Permission
from .seldom_log import log_seldom

log = logging.getLogger(__name__)

socketio = SocketIO(logger=False, engineio_logger=False)

CHANNEL = "hms-events"
"""The Redis channel of events: Flask-SocketIO and python-socketio have different ones unless both get this name."""
PAUSE_AFTER_FAILURE = 5.0
_quiet_until = 0.0


class Event(StrEnum):
    """The names of events, as the scripts of open pages know them."""

    QUEUE_CHANGED = "queue-changed"
    APPOINTMENTS_CHANGED = "appointments-changed"
    ENCOUNTER_SIGNED = "encounter-signed"
    PRESCRIPTION_SIGNED = "prescription-signed"
    PRESCRIPTION_CHANGED = "prescription-changed"
    STOCK_CHANGED = "stock-changed"
    LAB_CHANGED = "lab-changed"
    RESULT_IN = "result-in"
    BILL_CHANGED = "bill-changed"
    APPROVALS_CHANGED = "approvals-changed"
    DOCUMENT_READY = "document-ready"
    ESCALATIONS_CHANGED = "escalations-changed"
    NOTIFICATION = "notification"


SUBSCRIBERS: dict[Event, Permission] = {
    Event.QUEUE_CHANGED: Permission.READ_QUEUE,
    Event.APPOINTMENTS_CHANGED: Permission.READ_APPOINTMENTS,
    Event.ENCOUNTER_SIGNED: Permission.OPEN_CHART,
    Event.PRESCRIPTION_SIGNED: Permission.READ_PRESCRIPTION,
    Event.PRESCRIPTION_CHANGED: Permission.READ_PRESCRIPTION,
    Event.STOCK_CHANGED: Permission.READ_STOCK,
    Event.LAB_CHANGED: Permission.ENTER_RESULT,
    Event.RESULT_IN: Permission.ORDER_TEST,
    Event.BILL_CHANGED: Permission.READ_BILL_STATUS,
    Event.APPROVALS_CHANGED: Permission.READ_BILL,
    Event.DOCUMENT_READY: Permission.READ_BILL,
    Event.ESCALATIONS_CHANGED: Permission.READ_ESCALATIONS,
}


def room_of_event(event: Event) -> str:
    """The Socket.IO room of the pages that receive `event`."""
    return f"event:{event.value}"


def room_of_person(person_id: int) -> str:
    """The Socket.IO room of one person's open pages."""
    return f"person:{person_id}"


def publish(event: Event) -> None:
    """Publish `event` to every open page that may receive it, after the action commits; once for each action."""
    after_commit(lambda: _emit({"kind": event.value}, room_of_event(event)), key=event)


def publish_to_person(person_id: int, notification_id: int, title: str) -> None:
    """Publish a notification to one person's open pages, after the action commits. `title` must hold no patient's name."""
    message = {"kind": Event.NOTIFICATION.value, "id": notification_id, "title": title}
    after_commit(lambda: _emit(message, room_of_person(person_id)))


_broker: RedisManager | None = None


def use_broker(url: str | None) -> None:
    """Publish over the Redis server at `url`; None: only to pages of this process."""
    global _broker
    _broker = connect_broker(url) if url else None


def connect_broker(url: str) -> RedisManager:
    """What sends events over the Redis server at `url` to the pages of every web server there.

    The connection of a web server waits for messages without a time limit. This one only sends, and never waits long.
    """
    return RedisManager(url, channel=CHANNEL, write_only=True, redis_options=dict(redis.SHORT_TIMEOUTS))


def _emit(message: dict, to: str) -> None:
    """Emit after the answer, unless Redis failed within `PAUSE_AFTER_FAILURE` seconds: nobody waits for an event.

    Redis is tested at most once a second: one action sends up to four events.
    """
    run_after_answer(lambda: _emit_now(message, to))


def _emit_now(message: dict, to: str) -> None:
    global _quiet_until
    if _broker is None:
        socketio.emit("alert", message, to=to)
    elif time.monotonic() >= _quiet_until:
        if redis.answered_lately():
            _broker.emit("alert", message, room=to, namespace="/")
        else:
            _quiet_until = time.monotonic() + PAUSE_AFTER_FAILURE
            log_seldom(log, "events", "event not published: Redis is not available")
