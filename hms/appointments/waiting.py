"""The queue of a day: tokens, priorities, whose turn it is, how long somebody waits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Protocol, TypeVar

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.words import _


class Priority(IntEnum):
    """Lower comes first."""

    EMERGENCY = 1
    URGENT = 2
    STANDARD = 3
    LOW = 4


PRIORITY_WORDS = {
    Priority.EMERGENCY: _l("Emergency"),
    Priority.URGENT: _l("Urgent"),
    Priority.STANDARD: _l("Standard"),
    Priority.LOW: _l("Low"),
}


class QueueStatus(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    IN_SERVICE = "in_service"
    DONE = "done"
    LEFT = "left"
    CANCELLED = "cancelled"


QUEUE_WORDS = {
    QueueStatus.WAITING: _l("Waiting"),
    QueueStatus.CALLED: _l("Called"),
    QueueStatus.IN_SERVICE: _l("With staff"),
    QueueStatus.DONE: _l("Done"),
    QueueStatus.LEFT: _l("Left without being seen"),
    QueueStatus.CANCELLED: _l("Removed"),
}
PRESENT = frozenset({QueueStatus.WAITING, QueueStatus.CALLED, QueueStatus.IN_SERVICE})
_ENDS = frozenset({QueueStatus.LEFT, QueueStatus.CANCELLED})
QUEUE_MOVES = {
    QueueStatus.WAITING: frozenset({QueueStatus.CALLED, QueueStatus.IN_SERVICE}) | _ENDS,
    QueueStatus.CALLED: frozenset({QueueStatus.WAITING, QueueStatus.IN_SERVICE}) | _ENDS,
    QueueStatus.IN_SERVICE: frozenset({QueueStatus.WAITING, QueueStatus.DONE, QueueStatus.LEFT}),
    QueueStatus.DONE: frozenset({QueueStatus.IN_SERVICE, QueueStatus.WAITING}),
    QueueStatus.LEFT: frozenset({QueueStatus.WAITING}),
    QueueStatus.CANCELLED: frozenset({QueueStatus.WAITING}),
}
"""Back to waiting is an undo, a patient who came back, or one sent on to the next desk."""


class Waiting(Protocol):
    """Somebody in the queue; `arrived_at` is an instant."""

    priority: int
    arrived_at: datetime
    token: int


Entry = TypeVar("Entry", bound=Waiting)


def next_token(last: int | None) -> int:
    """Tokens count from 1 every hospital day; `last` is the day's highest so far."""
    return (last or 0) + 1


def priority(value: object, field: str = "priority") -> Priority:
    """A priority from its number ("2", 2) or its word ("urgent"); `RuleBroken` when unknown."""
    word = str(value).strip()
    try:
        return Priority(int(word)) if word.isascii() and word.isdecimal() else Priority[word.upper()]
    except (ValueError, KeyError):
        raise RuleBroken(_("Choose Emergency, Urgent, Standard or Low."), field) from None


def order(entry: Waiting) -> tuple[int, datetime, int]:
    """Sort by this: priority, then arrival, then token."""
    return entry.priority, entry.arrived_at, entry.token


def next_to_call(entries: Iterable[Entry]) -> Entry | None:
    """Whose turn it is among those who wait; None when nobody does."""
    return min(entries, key=order, default=None)


def check_queue_move(old: str, new: str) -> None:
    """Refuse a move that makes no sense in the queue; staying where it is counts as done."""
    if old != new and QueueStatus(new) not in QUEUE_MOVES[QueueStatus(old)]:
        message = _("This patient is now: %(old)s. Look at the queue again.")
        raise RuleBroken(message, "status", code="bad_move", old=QUEUE_WORDS[QueueStatus(old)].lower())


def waiting_minutes(arrived_at: datetime, until: datetime) -> int:
    """Whole minutes of waiting; never below zero, whatever the clocks say."""
    return max((until - arrived_at) // timedelta(minutes=1), 0)


def is_too_long(arrived_at: datetime, until: datetime, limit_minutes: int) -> bool:
    """True from the minute at which the area's limit is reached."""
    return waiting_minutes(arrived_at, until) >= limit_minutes
