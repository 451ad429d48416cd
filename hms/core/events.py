"""Live events for open pages and who may receive them. An event carries its name, never patient data."""

from __future__ import annotations

import logging
import time
from enum import StrEnum

from flask_socketio import SocketIO

from .actions import after_commit
from .permissions import Permission

log = logging.getLogger(__name__)

socketio = SocketIO(logger=False, engineio_logger=False)

PAUSE_AFTER_FAILURE = 5.0
_quiet_until = 0.0


class Event(StrEnum):
    """What happened, as open pages hear it."""

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
}


def room(kind: Event) -> str:
    return f"event:{kind.value}"


def room_of(person_id: int) -> str:
    return f"person:{person_id}"


def publish(kind: Event) -> None:
    """Publish `kind` to every open page whose person may see it, after the action commits; once for an action."""
    after_commit(lambda: _emit({"kind": kind.value}, room(kind)), named=kind)


def publish_to_person(person_id: int, notification_id: int, title: str) -> None:
    """Tell one person's open pages of their notification, once the action under way is committed. `title` has no names."""
    message = {"kind": Event.NOTIFICATION.value, "id": notification_id, "title": title}
    after_commit(lambda: _emit(message, room_of(person_id)))


def _emit(message: dict, to: str) -> None:
    """Emit unless the broker failed a moment ago: a saved record must not wait for a dead Redis."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        socketio.emit("alert", message, to=to)
    except Exception:
        _quiet_until = time.monotonic() + PAUSE_AFTER_FAILURE
        log.warning("alerts wait: the message broker does not answer")
