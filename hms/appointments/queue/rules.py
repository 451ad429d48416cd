"""Rules of the queue: tokens, calling order, status changes, waiting time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hms.appointments.enums import POINT_STATUS_LABELS, PointStatus
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_


def check_queue_status_change(transitions: Mapping[Any, frozenset[Any]], old: str, new: str) -> None:
    """Raise `RuleBroken` unless `new` may follow `old` or equals it, in the line with these transitions."""
    if old != new and new not in transitions[old]:
        message = N_("The status of this patient is now: %(old)s. Check the queue.")
        raise RuleBroken(message, "status", code="bad_move", old=POINT_STATUS_LABELS[PointStatus(old)].lower())


def waiting_minutes(arrived_at: datetime, until: datetime) -> int:
    """Whole minutes of waiting; zero when `until` is before the arrival."""
    return max((until - arrived_at) // timedelta(minutes=1), 0)


def is_long_wait(arrived_at: datetime, until: datetime, limit_minutes: int) -> bool:
    """Whether the waiting time has reached the limit."""
    return waiting_minutes(arrived_at, until) >= limit_minutes
