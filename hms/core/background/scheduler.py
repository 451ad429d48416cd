"""Runs the periodic tasks, in only one process at a time."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Iterable
from threading import Event
from types import FrameType
from typing import Any

from sqlalchemy import func, select, text

from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.seldom_log import log_seldom

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LONGEST_SLEEP = 5.0
"""After so many seconds, at most, the scheduler looks whether it still has its lock."""


class Scheduler:
    """Runs each task when it is due. A failure is logged; the task runs again after its interval."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._next_run = {task: time.monotonic() for task in tasks}
        self._stopped = Event()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Run until stopped. Of several schedulers on one database, one runs; the others wait until it ends."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, self.stop)
        while not self._stopped.is_set():
            try:
                self._run_while_locked()
            except Exception as error:
                log_seldom(log, "scheduler", "the scheduler tries again: %s", type(error).__name__)
            self._stopped.wait(RETRY_SECONDS)

    def _run_while_locked(self) -> None:
        """Take the scheduler's lock and run due tasks until stopped; return when another process has it."""
        with db.engine.connect() as connection:
            connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            has_lock = connection.execute(select(func.pg_try_advisory_lock(AdvisoryLock.SCHEDULER.value))).scalar_one()
            connection.commit()
            while has_lock and not self._stopped.is_set():
                connection.execute(text("SELECT 1"))  # fails when the connection, and with it the lock, is lost
                connection.commit()
                self.run_due()
                self._stopped.wait(self._seconds_to_next_task())

    def _seconds_to_next_task(self) -> float:
        """An idle hospital costs a wake-up now and then, not several each second."""
        next_run = min(self._next_run.values(), default=math.inf)
        return min(max(next_run - time.monotonic(), 0.0), LONGEST_SLEEP)

    def run_due(self) -> None:
        """Run every task that is due now."""
        now = time.monotonic()
        for task, due in list(self._next_run.items()):
            if due <= now and not self._stopped.is_set():
                self._next_run[task] = now + task.every_seconds
                _run_task(task)


def _run_task(task: Any) -> None:
    try:
        task.run()
    except Exception as error:
        log_seldom(log, f"task {task.name}", "%s failed: %s", task.name, type(error).__name__)
    finally:
        db.session.remove()
