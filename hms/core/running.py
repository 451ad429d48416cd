"""The two processes beside the web: the worker that makes papers, and the one clock."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

from flask import current_app
from redis import Redis
from rq import Worker
from rq.job import Job
from sqlalchemy import func, select, text

from . import broker, outbox, pdf
from .db import db
from .turns import Turn

log = logging.getLogger(__name__)

FIRST_LOOK = 1.0


class DeskWorker(Worker):
    """An RQ worker inside the application: a forked job opens its own database connections."""

    def main_work_horse(self, job: Job, queue: Any) -> None:
        db.engine.dispose(close=False)
        super().main_work_horse(job, queue)


def work(burst: bool = False) -> None:
    """Work on the outbox's wake-ups until told to stop (or, with `burst`, until there are none); waits for Redis to come."""
    pdf.warm_up()
    while not burst and not broker.answers():
        log.warning("the worker waits: Redis does not answer")
        time.sleep(2)
    db.session.remove()
    db.engine.dispose()
    worker = DeskWorker(
        [outbox.QUEUE],
        connection=Redis.from_url(current_app.config["REDIS_URL"]),
        serializer="rq.serializers.JSONSerializer",
        worker_ttl=60,
        maintenance_interval=30,
        job_monitoring_interval=5,
    )
    worker.work(burst=burst, logging_level="WARNING")


class Clock:
    """Runs duties when they are due. A duty that fails is logged and tried again at its next turn."""

    def __init__(self, duties: Iterable[Any]) -> None:
        self._next = {duty: time.monotonic() for duty in duties}
        self._stopped = False

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stopped = True

    def run(self) -> None:
        """Until stopped. Of several clocks on one database only one runs; the others wait for its end."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.stop)
        while not self._stopped:
            try:
                self._hold_the_lock()
            except Exception as fault:
                log.warning("the clock waits: %s", type(fault).__name__)
                time.sleep(FIRST_LOOK)

    def _hold_the_lock(self) -> None:
        with db.engine.connect() as connection:
            connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            is_mine = connection.execute(select(func.pg_try_advisory_lock(Turn.CLOCK.value))).scalar_one()
            connection.commit()
            while is_mine and not self._stopped:
                connection.execute(text("SELECT 1"))
                connection.commit()
                self.turn()
                time.sleep(0.5)
        if not self._stopped:
            time.sleep(FIRST_LOOK)

    def turn(self) -> None:
        """Do what is due now."""
        now = time.monotonic()
        for duty, due in list(self._next.items()):
            if due <= now and not self._stopped:
                self._next[duty] = now + duty.every_seconds
                _do(duty)


def _do(duty: Any) -> None:
    try:
        duty.do()
    except Exception as fault:
        log.warning("%s failed: %s", duty.name, type(fault).__name__)
    finally:
        db.session.remove()
