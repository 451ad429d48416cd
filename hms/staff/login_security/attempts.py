"""Limits on login attempts: each attempt is counted in the database before anything is hashed.

Attempts at a device that the account knows have their own limit, so that strangers cannot lock the owner out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import and_, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hms.core import clock
from hms.core.db.session import db
from hms.core.text.formatting import clock_time
from hms.core.text.translation import N_, Sentence
from hms.staff.models import AttemptCounter, User

from . import activity, concurrent_attempts, known_devices
from .errors import LockedOut

MAX_FAILURES = 5
MAX_FAILURES_OF_UNKNOWN_DEVICES = 20
LOCKOUT_LENGTH = timedelta(minutes=15)
MAX_HASH_TIME = timedelta(seconds=30)
RETRY_PAUSES = (0.05, 0.05, 0.1, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class AttemptLimit:
    """At most `max_failures` wrong attempts counted under `key`; after that it is locked for fifteen minutes."""

    key: str
    max_failures: int = MAX_FAILURES
    user_id: int | None = None


class AttemptLimitReached(Exception):
    """A limit is locked until `until`; None when other attempts still run and a moment is enough."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("attempt limit reached")
        self.until = until


class LoginAttempt:
    """One login attempt counted against its limits. Call `mark_succeeded()` or `mark_failed()`.

    Without either call it does not count as wrong.
    """

    def __init__(self, limits: tuple[AttemptLimit, ...]) -> None:
        self.limits = limits
        self.is_settled = False

    def mark_succeeded(self) -> None:
        """Reset the failures of its limits. Commits."""
        self._settle(failures=0, tries=AttemptCounter.tries - AttemptCounter.failures - 1, locked_until=None)

    def mark_failed(self) -> int:
        """Count it as wrong; return the attempts left at its first limit, 0 when this one locked it. Commits."""
        return self.limits[0].max_failures - self._settle(
            failures=AttemptCounter.failures + 1,
            locked_until=case(
                (AttemptCounter.failures + 1 >= _max_failures_by_key(self.limits), clock.now() + LOCKOUT_LENGTH),
                else_=AttemptCounter.locked_until,
            ),
        )

    def discard(self) -> None:
        """Count it neither as right nor as wrong. Commits."""
        self._settle(tries=AttemptCounter.tries - 1)

    def _settle(self, **values: object) -> int:
        """Update the counters in one fixed order, which prevents deadlocks; return the failures of the first limit."""
        failures = {}
        for limit in _in_order(self.limits):
            statement = update(AttemptCounter).where(AttemptCounter.key == limit.key).values(values)
            failures[limit.key] = db.session.execute(statement.returning(AttemptCounter.failures)).scalar_one_or_none()
        db.session.commit()
        self.is_settled = True
        return failures[self.limits[0].key] or 0


def _in_order(limits: tuple[AttemptLimit, ...]) -> list[AttemptLimit]:
    return sorted(limits, key=lambda limit: limit.key)


def _max_failures_by_key(limits: tuple[AttemptLimit, ...]) -> object:
    return case({limit.key: limit.max_failures for limit in limits}, value=AttemptCounter.key)


def limits_for(kind: str, user: User | None, typed_name: str) -> tuple[AttemptLimit, ...]:
    """The limits of an attempt of `kind` ("password", "code" or "proof").

    At a device that the account knows: the limit of that device. Otherwise the limit of the address, and one for all
    unknown devices together. A name without an account is counted in the same way.
    """
    user_id = user.id if user else None
    name = f"{kind}:account {user_id}" if user else f"{kind}:name {typed_name.strip().casefold()[:150]}"
    device = known_devices.hash_of_request() if user else None
    if user and device and known_devices.is_known(device, user.id):
        return (AttemptLimit(f"{name}@{device.hex()}", user_id=user_id),)
    unknown_devices = AttemptLimit(f"{name}@everywhere", MAX_FAILURES_OF_UNKNOWN_DEVICES, user_id)
    return (AttemptLimit(f"{name}@{request.remote_addr}", user_id=user_id), unknown_devices)


@contextmanager
def counted_attempt(limits: tuple[AttemptLimit, ...], user: User | None, typed_name: str) -> Iterator[LoginAttempt]:
    """Count an attempt, then run the block; raises `LockedOut` when a limit is reached. Commits before and after."""
    with concurrent_attempts.limit_concurrency():
        yield from _run_counted(limits, user, typed_name)


def _run_counted(limits: tuple[AttemptLimit, ...], user: User | None, typed_name: str) -> Iterator[LoginAttempt]:
    try:
        _count_or_wait(limits)
    except AttemptLimitReached as reached:
        activity.record_login(user, typed_name, "locked")
        raise LockedOut(lockout_message(reached.until), until=reached.until) from reached
    attempt = LoginAttempt(limits)
    try:
        yield attempt
    finally:
        if not attempt.is_settled:
            db.session.rollback()
            attempt.discard()


def lockout_message(until: datetime | None) -> Sentence:
    """The lockout message: when it ends and who can unlock the account earlier."""
    if until is None:
        return Sentence(N_("There are too many sign-in attempts for this account. Wait a moment, then try again."))
    message = N_(
        "Too many wrong attempts. You can sign in again at %(time)s. An administrator can unlock the account earlier."
    )
    return Sentence(message, time=clock_time(until))


def _count_or_wait(limits: tuple[AttemptLimit, ...]) -> None:
    """Count the attempt at every limit, or at none; wait briefly for running attempts, which may succeed."""
    for pause in (*RETRY_PAUSES, None):
        reached = _count_or_get_reached(limits)
        if reached is None:
            return
        until = _locked_until(reached)
        if until is not None or pause is None:
            raise AttemptLimitReached(until)
        time.sleep(pause)


def _count_or_get_reached(limits: tuple[AttemptLimit, ...]) -> AttemptLimit | None:
    """Count the attempt at every limit and return None; or count it at none and return the limit that is reached."""
    now = clock.now()
    for limit in _in_order(limits):
        if db.session.execute(_count_statement(limit, now)).scalar_one_or_none() is None:
            db.session.rollback()
            return limit
    db.session.commit()
    return None


def _count_statement(limit: AttemptLimit, now: datetime):
    """The statement that counts one attempt; it returns no row when the limit is reached.

    Counting starts again after a lock and after fifteen minutes without attempts. Attempts whose process died are dropped.
    """
    counter = AttemptCounter
    is_quiet = and_(counter.locked_until.is_(None), counter.last_try_at < now - LOCKOUT_LENGTH)
    is_over = or_(counter.locked_until <= now, is_quiet)
    have_died = counter.last_try_at < now - MAX_HASH_TIME
    row = insert(counter).values(key=limit.key, user_id=limit.user_id, tries=1, failures=0, last_try_at=now)
    has_room = or_(counter.tries < limit.max_failures, have_died)
    return row.on_conflict_do_update(
        index_elements=[counter.key],
        set_={
            "tries": case((is_over, 1), (have_died, counter.failures + 1), else_=counter.tries + 1),
            "failures": case((is_over, 0), else_=counter.failures),
            "locked_until": case((is_over, None), else_=counter.locked_until),
            "last_try_at": now,
        },
        where=or_(is_over, and_(counter.failures < limit.max_failures, has_room)),
    ).returning(counter.id)


def _locked_until(limit: AttemptLimit) -> datetime | None:
    until = db.session.execute(select(AttemptCounter.locked_until).filter_by(key=limit.key)).scalar_one_or_none()
    db.session.commit()
    return until


def clear_lockouts(user_id: int) -> None:
    """Clear the account's lockouts in the caller's transaction."""
    db.session.execute(delete(AttemptCounter).where(AttemptCounter.user_id == user_id))
