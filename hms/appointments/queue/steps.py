"""Steps in a line that can be undone: what a doctor's line and the line of a service point have in common.

An entry is a `QueueEntry` or a `PointEntry`, locked by the action that changes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_

from hms.appointments.enums import QueueStatus
from hms.appointments.models import calling_order
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff import directory as staff

MAX_REASON_LENGTH = 100
CALLABLE = (QueueStatus.WAITING, QueueStatus.CALLED)
INSTANTS = ("called_at", "started_at", "ended_at", "held_at", "line_at")
VALUES = ("called_by_id", "hold_reason", "line_priority", "priority")
OWN_VALUES = ("doctor_id", "call_count")
"""What only the one kind of entry has, or the other."""


@contextmanager
def recorded_step(entry: Any, name: str) -> Iterator[None]:
    """Keep the values of the entry from before the block, so that the step can be undone; saves the entry."""
    before = {column: getattr(entry, column) for column in VALUES}
    before |= {column: getattr(entry, column) and getattr(entry, column).isoformat() for column in INSTANTS}
    before["status"] = entry.status
    before |= {column: getattr(entry, column) for column in OWN_VALUES if hasattr(entry, column)}
    yield
    entry.last_step = {"name": name, "before": before}
    save(entry)


def save(entry: Any) -> None:
    """Write a changed entry, and tell the open pages."""
    entry.increment_version()
    db.session.flush()
    publish(Event.QUEUE_CHANGED)


def get_last_step(entry: Any) -> tuple[str, dict[str, Any]]:
    """The name of the step that can be undone and the values before it; raises `Conflict` when there is none."""
    if entry.last_step is None:
        raise Conflict(N_("There is no step to undo."), code="nothing_to_undo")
    return entry.last_step["name"], entry.last_step["before"]


def get_status_to_restore(entry: Any, before: Mapping[str, Any]) -> QueueStatus:
    """The status before the last step, or the nearest that may follow: who left waits again, who was seen is with staff."""
    status = before["status"]
    if entry.status == status or status in entry.transitions[entry.status]:
        return QueueStatus(status)
    return QueueStatus.IN_SERVICE if entry.status == QueueStatus.DONE else QueueStatus.WAITING


def restore_values(entry: Any, before: Mapping[str, Any]) -> None:
    """Give the entry, whose status is set already, the other values from before its last step."""
    for column in (*VALUES, *OWN_VALUES):
        if column in before:
            setattr(entry, column, before[column])
    for column in INSTANTS:
        setattr(entry, column, before[column] and dt.datetime.fromisoformat(before[column]))
    if entry.status == QueueStatus.IN_SERVICE:
        entry.started_at = entry.started_at or clock.now()
    entry.last_step = None
    save(entry)


def hold(entry: Any, reason: str) -> None:
    """Let a patient who waits, or who was called, keep the place without being called."""
    entry.held_at, entry.hold_reason = clock.now(), reason


def release(entry: Any) -> None:
    """Let a patient on hold be called again, in the old place."""
    entry.held_at, entry.hold_reason = None, ""


def check_waits(entry: Any) -> None:
    """Raise `Conflict` unless the patient waits or was called."""
    if entry.status not in CALLABLE:
        raise Conflict(N_("This patient does not wait any more. Check the queue."), code="not_waiting")


def check_caller(entry: Any, by: Person) -> None:
    """Raise `Conflict` (code "already_called") when a colleague called this patient before."""
    if entry.status != QueueStatus.CALLED or entry.called_by_id in (None, by.id):
        return
    caller = staff.display_names({entry.called_by_id})[entry.called_by_id]
    called_at = f"{clock.local(entry.called_at):%H:%M}"
    message = N_("%(name)s called this patient at %(time)s.")
    raise Conflict(message, code="already_called", name=caller, time=called_at)


def step_back(entry: Any, *same_line: ColumnElement[bool]) -> None:
    """Put the entry behind the next one that waits in the line, which the conditions `same_line` describe. Without another
    one it stays first."""
    model = type(entry)
    place = (entry.line_priority or entry.priority, entry.line_at or entry.arrived_at, entry.token)
    query = (
        select(model)
        .where(
            model.service_date == entry.service_date,
            model.status == QueueStatus.WAITING.value,
            model.held_at.is_(None),
            model.id != entry.id,
            tuple_(*calling_order(model)) > tuple_(*place),
            *same_line,
        )
        .order_by(*calling_order(model))
        .limit(1)
    )
    following = db.session.scalars(query).one_or_none()
    if following is not None:
        entry.line_priority = following.line_priority or following.priority
        entry.line_at = (following.line_at or following.arrived_at) + dt.timedelta(microseconds=1)


def forget_place(entry: Any) -> None:
    """Let the priority and the arrival give the place in the line again."""
    entry.line_priority = entry.line_at = None
