"""Runs the periodic tasks, in only one process at a time."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

from sqlalchemy import func, select, text

from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Scheduler:
    """Runs each task when it is due. A failure is logged; the task runs again after its interval."""

    def __init__(self, duties: Iterable[Any]) -> None:
        self._next = {duty: time.monotonic() for duty in duties}
        self._stopped = False

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stopped = True

    def run(self) -> None:
        """Run until stopped. Of several schedulers on one database, one runs; the others wait until it ends."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.stop)
        while not self._stopped:
            try:
                self._hold_the_lock()
            except Exception as fault:
                log.warning("the scheduler tries again: %s", type(fault).__name__)
                time.sleep(RETRY_SECONDS)

    def _hold_the_lock(self) -> None:
        with db.engine.connect() as connection:
            connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            is_mine = connection.execute(select(func.pg_try_advisory_lock(AdvisoryLock.CLOCK.value))).scalar_one()
            connection.commit()
            while is_mine and not self._stopped:
                connection.execute(text("SELECT 1"))
                connection.commit()
                self.turn()
                time.sleep(0.5)
        if not self._stopped:
            time.sleep(RETRY_SECONDS)

    def turn(self) -> None:
        """Run every task that is due now."""
        now = time.monotonic()
        for duty, due in list(self._next.items()):
            if due <= now and not self._stopped:
                self._next[duty] = now + duty.every_seconds
                _run_duty(duty)


def _run_duty(duty: Any) -> None:
    try:
        duty.do()
    except Exception as fault:
        log.warning("%s failed: %s", duty.name, type(fault).__name__)
    finally:
        db.session.remove()
