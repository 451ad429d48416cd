"""Notices that the system's clock was set: times of bills, of the audit trail and of appointments depend on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db
from hms.core.person import SYSTEM

log = logging.getLogger(__name__)

MAX_DRIFT = timedelta(minutes=1)
"""A network time service corrects less than this at a time."""
STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that nobody sets and that runs on while the machine is suspended, which Linux' monotonic clock does not."""

on_jump: list[Callable[[datetime, datetime], None]] = []
"""Called in an action with the expected and the actual time (UTC) after a jump; desks above notify people."""


class ClockWatch:
    """Compares the system's clock with the time since the last look, and at the first look with the newest audit entry."""

    def __init__(self) -> None:
        self._last: tuple[float, datetime] | None = None

    def look(self) -> timedelta:
        """Return how far the clock jumped since the last look (negative: set back); zero for less than `MAX_DRIFT`."""
        steady, now = time.clock_gettime(STEADY_CLOCK), clock.now()
        expected = self._expected(steady, now)
        self._last = steady, now
        jump = now - expected
        if abs(jump) <= MAX_DRIFT:
            return timedelta()
        log.error("the system's clock jumped by %s seconds", round(jump.total_seconds()))
        with action_context("core.clock_jump", SYSTEM):
            for notify in on_jump:
                notify(expected, now)
        return jump

    def _expected(self, steady: float, now: datetime) -> datetime:
        if self._last is None:  # the programs were stopped: only a clock that was set back can be seen
            newest = db.session.scalars(select(AuditEntry.recorded_at).order_by(AuditEntry.id.desc()).limit(1)).first()
            db.session.rollback()
            return max(newest or now, now)
        last_steady, last_now = self._last
        return last_now + timedelta(seconds=steady - last_steady)


watch = ClockWatch()
