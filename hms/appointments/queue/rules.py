"""The queue in plain Python: tokens, whose turn it is, how long somebody waits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from hms.appointments.enums import QUEUE_TRANSITIONS, QUEUE_STATUS_LABELS, QueueStatus
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


class Waiting(Protocol):
    """Somebody in the queue; `arrived_at` is an instant."""

    priority: int
    arrived_at: datetime
    token: int


Entry = TypeVar("Entry", bound=Waiting)


def next_token(last: int | None) -> int:
    """Tokens count from 1 every hospital day; `last` is the day's highest so far."""
    return (last or 0) + 1


def calling_order(entry: Waiting) -> tuple[int, datetime, int]:
    """Sort by this: priority, then arrival, then token."""
    return entry.priority, entry.arrived_at, entry.token


def next_to_call(entries: Iterable[Entry]) -> Entry | None:
    """Whose turn it is among those who wait; None when nobody does."""
    return min(entries, key=calling_order, default=None)


def check_queue_status_change(old: str, new: str) -> None:
    """Refuse a move that makes no sense in the queue; staying where it is counts as done."""
    if old != new and QueueStatus(new) not in QUEUE_TRANSITIONS[QueueStatus(old)]:
        message = N_("The status of this patient is now: %(old)s. Check the queue.")
        raise RuleBroken(message, "status", code="bad_move", old=QUEUE_STATUS_LABELS[QueueStatus(old)].lower())


def waiting_minutes(arrived_at: datetime, until: datetime) -> int:
    """Whole minutes of waiting; never below zero, whatever the clocks say."""
    return max((until - arrived_at) // timedelta(minutes=1), 0)


def is_long_wait(arrived_at: datetime, until: datetime, limit_minutes: int) -> bool:
    """True from the minute at which the area's limit is reached."""
    return waiting_minutes(arrived_at, until) >= limit_minutes
