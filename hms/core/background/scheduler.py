"""Runs the periodic tasks, in only one process at a time.

A task may say when it has work (`WorkCheck`). All conditions of the tasks that are due are one statement, so that an idle
hospital costs one statement every few seconds.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event
from types import FrameType
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, text

from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.seldom_log import log_seldom

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LONGEST_SLEEP = 5.0
"""After so many seconds, at most, the scheduler looks whether it still has its lock."""


@dataclass(frozen=True)
class WorkCheck:
    """The condition that a task has work, and the values of its parameters at this moment."""

    condition: Callable[[], ColumnElement[bool]]
    values: Callable[[], dict[str, Any]] = dict


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
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            has_lock = connection.execute(select(func.pg_try_advisory_lock(AdvisoryLock.SCHEDULER.value))).scalar_one()
            while has_lock and not self._stopped.is_set():
                self.run_due(connection)
                self._stopped.wait(self._seconds_to_next_task())

    def _seconds_to_next_task(self) -> float:
        """An idle hospital costs a wake-up now and then, not several each second."""
        next_run = min(self._next_run.values(), default=math.inf)
        return min(max(next_run - time.monotonic(), 0.0), LONGEST_SLEEP)

    def run_due(self, connection: Connection) -> None:
        """Run every task that is due now and has work. Raises `DBAPIError` when `connection` is lost, and with it the lock."""
        now = time.monotonic()
        due = [task for task, when in self._next_run.items() if when <= now]
        for task in _with_work(connection, due):
            if not self._stopped.is_set():
                _run_task(task)
        for task in due:
            self._next_run[task] = now + task.every_seconds


def _with_work(connection: Connection, tasks: Sequence[Any]) -> list[Any]:
    """Those of `tasks` that have work, in their order; a task without a condition always has."""
    checked = [task for task in tasks if task.has_work is not None]
    try:
        answers = _look(connection, checked)
    except Exception:
        answers = [_may_have_work(connection, task) for task in checked]
        _look(connection, [])
    idle = {task for task, has_work in zip(checked, answers, strict=True) if not has_work}
    return [task for task in tasks if task not in idle]


def _look(connection: Connection, tasks: Sequence[Any]) -> Sequence[bool]:
    """Whether each task has work, in one statement."""
    values: dict[str, Any] = {}
    for task in tasks:
        values |= task.has_work.values()
    conditions = (task.has_work.condition().label(f"task_{number}") for number, task in enumerate(tasks))
    return connection.execute(select(*conditions, text("1")), values).one()[: len(tasks)]


def _may_have_work(connection: Connection, task: Any) -> bool:
    """Whether the task has work; True when its condition fails: a faulty condition stops no task."""
    try:
        return _look(connection, [task])[0]
    except Exception as error:
        log_seldom(log, f"condition {task.name}", "the condition of %s failed: %s", task.name, type(error).__name__)
        return True


def _run_task(task: Any) -> None:
    try:
        task.run()
    except Exception as error:
        log_seldom(log, f"task {task.name}", "%s failed: %s", task.name, type(error).__name__)
    finally:
        db.session.remove()
