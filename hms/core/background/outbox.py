"""Work that must not be lost: a row written with the business change, RQ as the wake-up.

A killed worker, a killed job or a lost queue loses nothing: the row stays due until its work is committed, and the
scheduler dispatches it again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from redis.exceptions import RedisError
from rq import Queue, Retry
from sqlalchemy import Index, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from hms.core import clock
from hms.core.actions import action_context, after_commit
from hms.core.db.models import UnauditedRecord
from hms.core.db.session import db
from hms.core.person import SYSTEM

from .redis import connection

log = logging.getLogger(__name__)

QUEUE = "hms"
MAX_ATTEMPTS = 8
REDISPATCH_AFTER = timedelta(seconds=20)
JOB_TIMEOUT = 600
_quiet_until = 0.0

# A job that has started may have read the record already, so a later request needs a new row.
NOT_STARTED = "done_at IS NULL AND dead_at IS NULL AND attempts = 0"


class Outbox(UnauditedRecord):
    """One background job. `ref_id` is the record's id; the job reads and checks the record again."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "due", postgresql_where=text("done_at IS NULL AND dead_at IS NULL")),
        Index(
            "uq_outbox_waiting",
            "kind",
            "ref_id",
            unique=True,
            postgresql_where=text(NOT_STARTED),
        ),
    )

    kind: Mapped[str]
    ref_id: Mapped[int]
    due: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    handed_out_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


_JOBS: dict[str, Callable[[int], None]] = {}


def job(kind: str) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Register the function that does the work `kind`; it gets the record's id and runs inside a system action."""

    def register(function: Callable[[int], None]) -> Callable[[int], None]:
        _JOBS[kind] = function
        return function

    return register


def enqueue(kind: str, ref_id: int, *, due: datetime | None = None) -> None:
    """Do `kind` for record `ref_id` after this action commits (or at `due`). Until a job starts, a repeat adds no second one."""
    with db.session.no_autoflush:
        outbox_id = db.session.execute(_insert_statement(kind, ref_id, due or clock.now())).scalar_one_or_none()
    if outbox_id is not None and due is None:
        after_commit(lambda: dispatch(outbox_id))


def _insert_statement(kind: str, ref_id: int, due: datetime) -> Any:
    row = insert(Outbox).values(kind=kind, ref_id=ref_id, due=due, attempts=0)
    return row.on_conflict_do_nothing().returning(Outbox.id)


def dispatch(outbox_id: int) -> bool:
    """Put the row into the worker's queue; False when Redis is not available (the scheduler dispatches it later)."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        queue().enqueue(
            "hms.core.background.outbox.run_job",
            outbox_id,
            retry=Retry(max=3, interval=[5, 30, 120]),
            job_timeout=JOB_TIMEOUT,
        )
    except RedisError:
        _quiet_until = time.monotonic() + 5
        log.warning("job not dispatched: Redis is not available")
        return False
    return True


def queue() -> Queue:
    """The RQ queue of all jobs; jobs are serialized as JSON."""
    return Queue(QUEUE, connection=connection(), serializer="rq.serializers.JSONSerializer")


def dispatch_due() -> int:
    """Dispatch every due row that was not dispatched recently; returns how many. Called by the scheduler."""
    now = clock.now()
    not_dispatched_recently = or_(Outbox.handed_out_at.is_(None), Outbox.handed_out_at < now - REDISPATCH_AFTER)
    due = (
        select(Outbox.id)
        .where(Outbox.done_at.is_(None), Outbox.dead_at.is_(None), Outbox.due <= now, not_dispatched_recently)
        .limit(200)
    )
    ids = db.session.scalars(due).all()
    dispatched = [outbox_id for outbox_id in ids if dispatch(outbox_id)]
    if dispatched:
        db.session.execute(update(Outbox).where(Outbox.id.in_(dispatched)).values(handed_out_at=now))
    db.session.commit()
    return len(dispatched)


SET_LONG_IDLE_TIMEOUT = text("SET LOCAL idle_in_transaction_session_timeout = '15min'")
"""A slow machine may need a minute to render a long bill while its row is locked; the 30 seconds of pages are too short."""


def run_job(outbox_id: int) -> bool:
    """Do one row's work and mark it done in the same transaction. False when it is done, locked by another worker, or dead."""
    if not _count_attempt(outbox_id):
        return False
    try:
        with action_context("outbox.handle", SYSTEM):
            db.session.execute(SET_LONG_IDLE_TIMEOUT)
            row = db.session.scalars(_select_open_row(outbox_id)).one_or_none()
            if row is None:
                return False
            _JOBS[row.kind](row.ref_id)
            row.done_at = clock.now()
    except Exception as error:
        _record_failure(outbox_id, error)
        raise
    return True


def _select_open_row(outbox_id: int):
    return (
        select(Outbox)
        .where(Outbox.id == outbox_id, Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
        .with_for_update(skip_locked=True)
    )


def _count_attempt(outbox_id: int) -> bool:
    """Count the attempt before the work, in its own commit, so that work that crashes its worker is counted too."""
    waiting = (Outbox.id == outbox_id, Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
    unlocked_id = select(Outbox.id).where(*waiting).with_for_update(skip_locked=True).scalar_subquery()
    values = {"attempts": Outbox.attempts + 1, "handed_out_at": clock.now()}
    result = db.session.execute(update(Outbox).where(Outbox.id == unlocked_id).values(values))
    db.session.commit()
    return result.rowcount == 1


def _record_failure(outbox_id: int, error: Exception) -> None:
    """Store the error's class (its text may hold patient data) and set the next attempt, each time later. After
    `MAX_ATTEMPTS` mark the job dead and log an error."""
    row = db.session.get(Outbox, outbox_id, populate_existing=True)
    if row is None:
        return
    row.last_error = type(error).__name__
    row.due = clock.now() + timedelta(seconds=5 * 2**row.attempts)
    if row.attempts >= MAX_ATTEMPTS:
        row.dead_at = clock.now()
        current_app.logger.error("outbox %s (%s) gave up after %s attempts", row.id, row.kind, row.attempts)
    db.session.commit()


def job_status(kind: str, ref_id: int) -> str:
    """Status of the newest job `kind` for `ref_id`: "none", "waiting", "done" or "failed"."""
    newest = select(Outbox).filter_by(kind=kind, ref_id=ref_id).order_by(Outbox.id.desc()).limit(1)
    row = db.session.scalars(newest).one_or_none()
    if row is None:
        return "none"
    return "done" if row.done_at else "failed" if row.dead_at else "waiting"
