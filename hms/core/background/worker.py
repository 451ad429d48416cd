"""The two processes beside the web: the worker that makes papers, and the one clock."""

from __future__ import annotations

import time
from typing import Any

from flask import current_app
from redis import Redis
from rq import Worker
from rq.job import Job

from hms.core.db.session import db
from hms.core.documents import pdf

from . import outbox, redis
from .scheduler import log


class DeskWorker(Worker):
    """An RQ worker inside the application: a forked job opens its own database connections."""

    def main_work_horse(self, job: Job, queue: Any) -> None:
        db.engine.dispose(close=False)
        super().main_work_horse(job, queue)


def run_worker(burst: bool = False) -> None:
    """Work on the outbox's wake-ups until told to stop (or, with `burst`, until there are none); waits for Redis to come."""
    pdf.warm_up()
    while not burst and not redis.is_available():
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
