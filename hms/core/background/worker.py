"""The background worker, which makes documents and sends e-mail."""

from __future__ import annotations

import gc
import logging
import os
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import current_app
from redis import Redis, RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job

from hms.core.db.session import db
from hms.core.documents import pdf
from hms.core.seldom_log import log_seldom

from . import outbox, redis

log = logging.getLogger(__name__)


LONG_WORK_NICENESS = 19
"""Long work leaves the processors to the other programs (the highest value of `nice`)."""


class DeskWorker(Worker):
    """An RQ worker inside the application: a forked job opens its own database connections."""

    is_stopping = False
    """Whether the worker received a stop signal."""

    def main_work_horse(self, job: Job, queue: Any) -> None:
        db.engine.dispose(close=False)
        if queue.name == outbox.LONG_QUEUE:
            os.nice(LONG_WORK_NICENESS)
        super().main_work_horse(job, queue)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_stopping = True
        super().request_stop(signum, frame)


def run_worker(*, burst: bool = False, takes_long: bool = True) -> None:
    """Run the queue's jobs until stopped (with `burst`: until the queue is empty); long ones only when `takes_long`.

    The worker renders papers before it takes work: each job runs in a fork, which is then ready. RQ ends a worker that loses
    Redis during a job; a new one then starts when Redis is back.
    """
    pdf.warm_up()
    db.session.remove()
    db.engine.dispose()
    gc.collect()
    gc.freeze()  # as the manual of `gc` advises before forks: a collection in a job would copy all memory of the worker
    with suppress(StopRequested):  # raised by the stop signal while the worker is idle or waits for Redis
        _work_on(burst, [outbox.QUEUE, outbox.LONG_QUEUE] if takes_long else [outbox.QUEUE])


def _work_on(burst: bool, queues: list[str]) -> None:
    """Run the jobs of `queues`, those of an earlier queue first."""
    while True:
        while not burst and not redis.is_available():
            log_seldom(log, "worker", "the worker waits: Redis is not available")
            time.sleep(2)
        worker = DeskWorker(
            queues,
            connection=Redis.from_url(current_app.config["REDIS_URL"]),
            serializer="rq.serializers.JSONSerializer",
            worker_ttl=60,
            maintenance_interval=30,
            job_monitoring_interval=5,
        )
        try:
            worker.work(burst=burst, logging_level="WARNING")
        except RedisError as error:
            log.warning("the worker starts again: %s", type(error).__name__)
        if burst or worker.is_stopping:
            return
