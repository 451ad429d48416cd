"""Live alerts: who hears what. An alert is a knock on the door: it carries its kind, never patient data."""

from __future__ import annotations

import logging
import time
from enum import StrEnum

from flask_socketio import SocketIO

from .actions import afterwards
from .permissions import Action

log = logging.getLogger(__name__)

socketio = SocketIO(logger=False, engineio_logger=False)

PAUSE_AFTER_FAILURE = 5.0
_quiet_until = 0.0


class Alert(StrEnum):
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


HEARD_BY: dict[Alert, Action] = {
    Alert.QUEUE_CHANGED: Action.READ_QUEUE,
    Alert.APPOINTMENTS_CHANGED: Action.READ_APPOINTMENTS,
    Alert.ENCOUNTER_SIGNED: Action.OPEN_CHART,
    Alert.PRESCRIPTION_SIGNED: Action.READ_PRESCRIPTION,
    Alert.PRESCRIPTION_CHANGED: Action.READ_PRESCRIPTION,
    Alert.STOCK_CHANGED: Action.READ_STOCK,
    Alert.LAB_CHANGED: Action.ENTER_RESULT,
    Alert.RESULT_IN: Action.ORDER_TEST,
    Alert.BILL_CHANGED: Action.READ_BILL_STATUS,
    Alert.APPROVALS_CHANGED: Action.READ_BILL,
    Alert.DOCUMENT_READY: Action.READ_BILL,
}


def room(kind: Alert) -> str:
    return f"hears:{kind.value}"


def room_of(person_id: int) -> str:
    return f"person:{person_id}"


def alert(kind: Alert) -> None:
    """Publish `kind` to every open page whose person may see it, after the action commits; once for an action."""
    afterwards(lambda: _emit({"kind": kind.value}, room(kind)), named=kind)


def notify(person_id: int, notification_id: int, title: str) -> None:
    """Tell one person's open pages of their notification, once the action under way is committed. `title` has no names."""
    message = {"kind": Alert.NOTIFICATION.value, "id": notification_id, "title": title}
    afterwards(lambda: _emit(message, room_of(person_id)))


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
