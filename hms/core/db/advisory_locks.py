"""Advisory lock numbers of PostgreSQL, kept here so that no two features share one."""

from __future__ import annotations

from enum import IntEnum, unique

from sqlalchemy import func, select

from .session import db


@unique
class AdvisoryLock(IntEnum):
    """One kind of work that waits for its turn."""

    SEAL = 4242
    """Chaining the trail."""
    ADMINISTRATORS = 4243
    """Changing who may manage people; the trigger `administrators` (migration 0004) takes the same number."""
    REGISTER = 4244
    """Keeping a wish for an account."""
    CLOCK = 4245
    """Being the one clock of the hospital; held as long as it runs."""
    REMIND_REVIEWERS = 4246
    """Reminding of overdue reviews."""
    READ_LIMIT = 4247
    """Telling of an account that reads very many records; one turn for each account."""
    IMPORT = 4343
    """Writing imported records."""
    MIGRATE = 7_244_001
    """Bringing the tables up to date."""


def acquire(turn: AdvisoryLock) -> None:
    """Wait for one's turn, until the transaction ends. `Unavailable` when it takes longer than the database waits for locks."""
    db.session.execute(select(func.pg_advisory_xact_lock(turn.value)))


def try_acquire(turn: AdvisoryLock) -> bool:
    """Take one's turn, until the transaction ends; False when somebody else has it."""
    return db.session.execute(select(func.pg_try_advisory_xact_lock(turn.value))).scalar_one()


def try_acquire_for(turn: AdvisoryLock, number: int) -> bool:
    """`try_acquire` where each number (an account's id) has a turn of its own."""
    return db.session.execute(select(func.pg_try_advisory_xact_lock(turn.value, number % 2**31))).scalar_one()
