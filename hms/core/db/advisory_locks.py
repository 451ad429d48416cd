"""The numbers of PostgreSQL's advisory locks, in one place so that no two features share one."""

from __future__ import annotations

from enum import IntEnum, unique

from sqlalchemy import func, select

from .session import db


@unique
class AdvisoryLock(IntEnum):
    """A kind of work that only one transaction or process does at a time."""

    SEAL = 4242
    """Sealing the audit trail."""
    ADMINISTRATORS = 4243
    """Changing who may manage people; the trigger `administrators` (migration 0004) takes the same number."""
    REGISTER = 4244
    """Storing a request for an account."""
    SCHEDULER = 4245
    """Running the scheduler; held as long as it runs."""
    REMIND_REVIEWERS = 4246
    """Sending reminders of overdue reviews."""
    READ_LIMIT = 4247
    """Alerting that an account passed the read limit; one lock for each account."""
    TOTALS = 4248
    """Making the totals of a day; the triggers of migration 0040 take the same number, shared, for each changed day."""
    SERVICE_PACES = 4260
    """Making the paces of doctors from their calls."""
    RULES = 4261
    """Making a version of the safety rules."""
    IMPORT = 4343
    """Writing imported records."""
    MIGRATE = 7_244_001
    """Migrating the tables."""


def acquire(lock: AdvisoryLock) -> None:
    """Wait for the lock and hold it until the transaction ends. The action fails with `Conflict` after `lock_timeout`."""
    db.session.execute(select(func.pg_advisory_xact_lock(lock.value)))


def try_acquire(lock: AdvisoryLock) -> bool:
    """Take the lock until the transaction ends; False when another transaction has it."""
    return db.session.execute(select(func.pg_try_advisory_xact_lock(lock.value))).scalar_one()


def try_acquire_for(lock: AdvisoryLock, number: int) -> bool:
    """`try_acquire` with a separate lock for each `number` (an account's id)."""
    return db.session.execute(select(func.pg_try_advisory_xact_lock(lock.value, number % 2**31))).scalar_one()


def try_acquire_range(lock: AdvisoryLock, first: int, count: int) -> int:
    """`try_acquire_for` of `count` numbers from `first`; how many were taken up to the first that another transaction has."""
    number = func.generate_series(first, first + count - 1).column_valued("number")
    taken = db.session.scalars(select(func.pg_try_advisory_xact_lock(lock.value, number)).order_by(number)).all()
    return taken.index(False) if False in taken else len(taken)
