"""Work that must not be lost: a row written with the business change, RQ as the wake-up.

A killed worker, a killed job or a lost queue loses nothing: the row stays due until its work is committed, and the
scheduler dispatches it again.

Long work (a bill of thousands of lines) has a queue of its own: a worker takes it only while no other work waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from redis.exceptions import RedisError
from rq import Queue
from rq.timeouts import JobTimeoutException
from sqlalchemy import BigInteger, ColumnElement, Index, Row, Select, bindparam, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from hms.core import clock
from hms.core.actions import action_context, after_commit
from hms.core.after_answer import run_after_answer
from hms.core.db.models import UnauditedRecord
from hms.core.db.session import db
from hms.core.db.transient_errors import is_database_away
from hms.core.person import SYSTEM
from hms.core.seldom_log import log_seldom

from .redis import connection

log = logging.getLogger(__name__)

QUEUE, LONG_QUEUE = "hms", "hms-long"
RUN_DUE, RUN_LONG = "hms.core.background.outbox.run_due", "hms.core.background.outbox.run_long"
MAX_ATTEMPTS = 8
RETRY_AFTER_KILL = timedelta(seconds=20)
"""A row that was begun is begun again after so long, unless a worker still holds its lock: its worker was killed."""
JOB_TIMEOUT, LONG_JOB_TIMEOUT = 600, 1800
"""Seconds."""
TURN_SECONDS = 60
"""How long one job takes further rows."""
WORKER_STOPPED = "WorkerStopped"
"""The reason of a row whose every attempt ended with its worker."""
_quiet_until = 0.0

# A job that has started may have read the record already, so a later request needs a new row.
NOT_STARTED = "done_at IS NULL AND dead_at IS NULL AND attempts = 0"


class Outbox(UnauditedRecord):
    """One background job. `ref_id` is the record's id; the job reads and checks the record again."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "due", postgresql_where=text("done_at IS NULL AND dead_at IS NULL")),
        Index("ix_outbox_failed", "dead_at", postgresql_where=text("done_at IS NULL AND dead_at IS NOT NULL")),
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
    is_long: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The work may take longer than a second."""


RECORD_ID = bindparam("record_id", type_=BigInteger)
"""The id of the record in a condition for `enqueue`."""
OPEN = (Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
FAILED = (Outbox.done_at.is_(None), Outbox.dead_at.is_not(None))

_JOBS: dict[str, Callable[[int], None]] = {}


def job(kind: str) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Register the function that does the work `kind`; it gets the record's id and runs inside a system action."""

    def register(function: Callable[[int], None]) -> Callable[[int], None]:
        _JOBS[kind] = function
        return function

    return register


def enqueue(
    kind: str, ref_id: int, *, due: datetime | None = None, is_long: bool | ColumnElement[bool] = False
) -> None:
    """Do `kind` for record `ref_id` after this action commits (or at `due`). Until a job starts, a repeat adds no second one.

    `is_long` says whether the work waits until no other work is due: a value, or a condition of the database, built once,
    in which `RECORD_ID` is the record's id.
    """
    with db.session.no_autoflush:
        row = db.session.execute(*_insertion(kind, ref_id, due or clock.now(), is_long)).one_or_none()
    if row is not None and due is None:
        goes_long = row.is_long
        after_commit(
            lambda: run_after_answer(lambda: wake_worker(is_long=goes_long)), key=RUN_LONG if goes_long else RUN_DUE
        )


def _insertion(
    kind: str, ref_id: int, due: datetime, is_long: bool | ColumnElement[bool]
) -> tuple[Insert, dict[str, Any]]:
    """The statement that adds a row, and its values."""
    values: dict[str, Any] = {"kind": kind, "ref_id": ref_id, "due": due}
    if isinstance(is_long, bool):
        return _insert_row(), values | {"is_long": is_long}
    return _insert_row(is_long), values | {RECORD_ID.key: ref_id}


@cache
def _insert_row(is_long: ColumnElement[bool] | None = None) -> Insert:
    rows = Outbox.__table__
    row = insert(rows) if is_long is None else insert(rows).values(is_long=is_long)
    return row.on_conflict_do_nothing().returning(rows.c.id, rows.c.is_long)


def wake_worker(*, is_long: bool = False) -> bool:
    """Queue one job that does everything that is due; False when Redis is not available (the scheduler tries again).

    One waiting job is enough for all rows: while one waits, no other is queued.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        waiting = queue(is_long=is_long)
        if waiting.count == 0:
            function, timeout = (RUN_LONG, LONG_JOB_TIMEOUT) if is_long else (RUN_DUE, JOB_TIMEOUT)
            waiting.enqueue(function, job_timeout=timeout, result_ttl=0, failure_ttl=0)
    except RedisError:
        _quiet_until = time.monotonic() + 5
        log_seldom(log, "queue", "job not queued: Redis is not available")
        return False
    return True


def queue(*, is_long: bool = False) -> Queue:
    """The RQ queue of all jobs, or that of long work; jobs are serialized as JSON."""
    name = LONG_QUEUE if is_long else QUEUE
    return Queue(name, connection=connection(), serializer="rq.serializers.JSONSerializer")


@cache
def is_due() -> ColumnElement[bool]:
    """The condition that a row is due that no worker has begun; execute it with `due_values`."""
    return exists().where(*OPEN, *_is_free(bindparam("due_at"), bindparam("killed_at")))


def due_values() -> dict[str, Any]:
    """The values of `is_due` at this moment."""
    now = clock.now()
    return {"due_at": now, "killed_at": now - RETRY_AFTER_KILL}


def wake_for_due() -> bool:
    """Wake workers when a row is due that no worker has begun; whether one was. Called by the scheduler."""
    due = select(Outbox.is_long).where(*OPEN, *_is_free(**due_values())).distinct()
    waiting = set(db.session.scalars(due))
    db.session.commit()
    for is_long in sorted(waiting):
        wake_worker(is_long=is_long)
    return bool(waiting)


SET_LONG_IDLE_TIMEOUT = text("SET LOCAL idle_in_transaction_session_timeout = '35min'")
"""Longer than the time limit of long work: a paper is rendered while its row is locked."""


def run_due() -> int:
    """Do the rows that are due, without the long ones; returns how many were begun. This is the job in Redis.

    Without the database nothing is begun: the scheduler wakes the worker again when it is back. Raises `SQLAlchemyError` for
    any other error of the database.
    """
    return _run(is_long=False, seconds=TURN_SECONDS)


def run_long() -> int:
    """Do one long row that is due; returns how many were begun. This is the job in the queue of long work.

    The worker looks for other work before the next long row.
    """
    return _run(is_long=True, seconds=0)


def _run(*, is_long: bool, seconds: float) -> int:
    try:
        return _run_while_due(is_long, time.monotonic() + seconds)
    except SQLAlchemyError as error:
        db.session.remove()
        if not is_database_away(error):
            raise
        log_seldom(log, "outbox", "the worker stops for now, the database is not available: %s", type(error).__name__)
        return 0


def _run_while_due(is_long: bool, ends_at: float) -> int:
    """Do the rows that are due, the longest due first.

    At `ends_at` the rest waits for another wake-up, so that RQ's time limit is for one row and not for many.
    """
    begun = 0
    while (outbox_id := _begin(Outbox.is_long.is_(is_long), *_is_free(**due_values()))) is not None:
        begun += 1
        try:
            _do(outbox_id)
        except JobTimeoutException:
            wake_worker(is_long=is_long)
            raise
        except Exception as error:
            log.warning("outbox %s failed: %s", outbox_id, type(error).__name__)
        if time.monotonic() >= ends_at:
            wake_worker(is_long=is_long)
            break
    return begun


def run_job(outbox_id: int) -> bool:
    """Do one row's work and mark it done in the same transaction. False when it is done, locked by another worker, or dead."""
    begun = _begin(Outbox.id == outbox_id)
    return begun is not None and _do(begun)


def _is_free(due_at: Any, killed_at: Any) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a row is due at `due_at`, and that no worker has begun it since `killed_at`."""
    return Outbox.due <= due_at, or_(Outbox.handed_out_at.is_(None), Outbox.handed_out_at < killed_at)


def _begin(*which: Any) -> int | None:
    """Count one more attempt at one open row and return its id; None when there is none that no other worker holds.

    Work that killed its worker `MAX_ATTEMPTS` times is given up.
    """
    while (row := _count_attempt(*which)) is not None and row.attempts > MAX_ATTEMPTS:
        _give_up(row.id, WORKER_STOPPED)
    return None if row is None else row.id


def _count_attempt(*which: Any) -> Row | None:
    """Count the attempt before the work, in its own commit: work that kills its worker is counted too."""
    free = select(Outbox.id).where(*OPEN, *which).order_by(Outbox.due, Outbox.id).limit(1)
    chosen = free.with_for_update(skip_locked=True).scalar_subquery()
    values = {"attempts": Outbox.attempts + 1, "handed_out_at": clock.now()}
    counted = update(Outbox).where(Outbox.id == chosen).values(values).returning(Outbox.id, Outbox.attempts)
    row = db.session.execute(counted).one_or_none()
    db.session.commit()
    return row


def _do(outbox_id: int) -> bool:
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


def _select_open_row(outbox_id: int) -> Select:
    return select(Outbox).where(Outbox.id == outbox_id, *OPEN).with_for_update(skip_locked=True)


def _record_failure(outbox_id: int, error: Exception) -> None:
    """Store the error's class (its text may hold patient data); try again later each time, at most `MAX_ATTEMPTS` times."""
    row = db.session.get(Outbox, outbox_id, populate_existing=True)
    if row is None:
        return
    if row.attempts >= MAX_ATTEMPTS:
        db.session.rollback()
        _give_up(outbox_id, type(error).__name__)
        return
    row.last_error = type(error).__name__
    row.due = clock.now() + timedelta(seconds=5 * 2**row.attempts)
    row.handed_out_at = None
    db.session.commit()


on_given_up: list[Callable[[], None]] = []
"""Called inside the transaction that gives a row up, when no other row is given up: desks above notify people."""


def _give_up(outbox_id: int, reason: str) -> None:
    """Mark the row as failed for good, with the reason. People are notified only when the list of failed work was empty."""
    with action_context("outbox.give_up", SYSTEM):
        row = db.session.get(Outbox, outbox_id, populate_existing=True, with_for_update=True)
        if row is None or row.done_at or row.dead_at:
            return
        is_first = db.session.scalars(select(Outbox.id).where(*FAILED).limit(1)).first() is None
        row.dead_at, row.last_error = clock.now(), reason
        if is_first:
            for notify in on_given_up:
                notify()
        kind = row.kind
    current_app.logger.error("outbox %s (%s) was given up: %s", outbox_id, kind, reason)


def retry(*outbox_ids: int) -> int:
    """Open given-up rows again, due now and with all their attempts; returns how many. Part of an action.

    A row for which newer work waits already is marked as done: the newer work does the same.
    """
    rows = db.session.scalars(select(Outbox).where(Outbox.id.in_(outbox_ids), *FAILED).with_for_update()).all()
    for row in rows:
        enqueue(row.kind, row.ref_id, is_long=row.is_long)
        row.done_at = clock.now()
    return len(rows)


def job_status(kind: str, ref_id: int) -> str:
    """Status of the newest job `kind` for `ref_id`: "none", "waiting", "done" or "failed"."""
    newest = select(Outbox).filter_by(kind=kind, ref_id=ref_id).order_by(Outbox.id.desc()).limit(1)
    row = db.session.scalars(newest).one_or_none()
    if row is None:
        return "none"
    return "done" if row.done_at else "failed" if row.dead_at else "waiting"
