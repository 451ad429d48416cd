"""Rules of the queue: tokens, calling order, status changes, waiting time."""

from __future__ import annotations

from datetime import datetime, timedelta

from hms.appointments.enums import QUEUE_STATUS_LABELS, QUEUE_TRANSITIONS, QueueStatus
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


def check_queue_status_change(old: str, new: str) -> None:
    """Raise `RuleBroken` unless `new` may follow `old` or equals it."""
    if old != new and QueueStatus(new) not in QUEUE_TRANSITIONS[QueueStatus(old)]:
        message = N_("The status of this patient is now: %(old)s. Check the queue.")
        raise RuleBroken(message, "status", code="bad_move", old=QUEUE_STATUS_LABELS[QueueStatus(old)].lower())


def waiting_minutes(arrived_at: datetime, until: datetime) -> int:
    """Whole minutes of waiting; zero when `until` is before the arrival."""
    return max((until - arrived_at) // timedelta(minutes=1), 0)


def is_long_wait(arrived_at: datetime, until: datetime, limit_minutes: int) -> bool:
    """Whether the waiting time has reached the limit."""
    return waiting_minutes(arrived_at, until) >= limit_minutes
