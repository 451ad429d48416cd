"""Doors that close after wrong tries. A try is counted in the database before anything is hashed, so that fifty at once
cost five hashes; and a stranger's tries close the stranger's door, not the one at which the account's owner stands.
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
    """One attempt limit: `most` failures within fifteen minutes lock it for fifteen minutes."""

    key: str
    most: int = MAX_FAILURES
    user_id: int | None = None


class AttemptLimitReached(Exception):
    """The door stays shut: until `until`, or for a moment when that is None."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("refused")
        self.until = until


class LoginAttempt:
    """One login attempt counted against its limits. Call `succeeded()` or `failed()`; without either it does not count as
    wrong."""

    def __init__(self, doors: tuple[AttemptLimit, ...]) -> None:
        self.doors = doors
        self.is_settled = False

    def succeeded(self) -> None:
        """The wrong tries before it are forgotten."""
        self._settle(failures=0, tries=AttemptCounter.tries - AttemptCounter.failures - 1, locked_until=None)

    def failed(self) -> int:
        """Count it as wrong; returns how many tries the nearest door has left. 0: this one closed it."""
        return self.doors[0].most - self._settle(
            failures=AttemptCounter.failures + 1,
            locked_until=case(
                (AttemptCounter.failures + 1 >= _max_failures_by_key(self.doors), clock.now() + LOCKOUT_LENGTH), else_=AttemptCounter.locked_until
            ),
        )

    def forgotten(self) -> None:
        """It proved nothing: neither right nor wrong."""
        self._settle(tries=AttemptCounter.tries - 1)

    def _settle(self, **values: object) -> int:
        """Door by door in one order, as they were counted: no deadlock. Returns the failures at the nearest."""
        failures = {}
        for door in _in_order(self.doors):
            changed = update(AttemptCounter).where(AttemptCounter.key == door.key).values(values)
            failures[door.key] = db.session.execute(changed.returning(AttemptCounter.failures)).scalar_one_or_none()
        db.session.commit()
        self.is_settled = True
        return failures[self.doors[0].key] or 0


def _in_order(doors: tuple[AttemptLimit, ...]) -> list[AttemptLimit]:
    return sorted(doors, key=lambda door: door.key)


def _max_failures_by_key(doors: tuple[AttemptLimit, ...]) -> object:
    return case({door.key: door.most for door in doors}, value=AttemptCounter.key)


def limits_for(what: str, user: User | None, typed_name: str) -> tuple[AttemptLimit, ...]:
    """The doors a try has to pass: at a device the account knows its own; else the address's, and one for all strangers.

    An account nobody has is counted just like one that exists.
    """
    user_id = user.id if user else None
    name = f"{what}:account {user_id}" if user else f"{what}:name {typed_name.strip().casefold()[:150]}"
    device = known_devices.hash_of_request() if user else None
    if user and device and known_devices.is_known(device, user.id):
        return (AttemptLimit(f"{name}@{device.hex()}", user_id=user_id),)
    strangers = AttemptLimit(f"{name}@everywhere", MAX_FAILURES_OF_UNKNOWN_DEVICES, user_id)
    return (AttemptLimit(f"{name}@{request.remote_addr}", user_id=user_id), strangers)


@contextmanager
def counted_attempt(doors: tuple[AttemptLimit, ...], user: User | None, typed_name: str) -> Iterator[LoginAttempt]:
    """Count a try at `doors`, then let it happen; `LockedOut` when a door is shut. Commits before and after."""
    with concurrent_attempts.limit_concurrency():
        yield from _run_counted(doors, user, typed_name)


def _run_counted(doors: tuple[AttemptLimit, ...], user: User | None, typed_name: str) -> Iterator[LoginAttempt]:
    try:
        _count_or_wait(doors)
    except AttemptLimitReached as refused:
        activity.record_login(user, typed_name, "locked")
        raise LockedOut(lockout_message(refused.until), until=refused.until) from refused
    now = LoginAttempt(doors)
    try:
        yield now
    finally:
        if not now.is_settled:
            db.session.rollback()
            now.forgotten()


def lockout_message(until: datetime | None) -> Sentence:
    """The lockout message: when it ends and who can unlock the account earlier."""
    if until is None:
        return Sentence(N_("There are too many sign-in attempts for this account. Wait a moment, then try again."))
    words = N_(
        "Too many wrong attempts. You can sign in again at %(time)s. An administrator can unlock the account earlier."
    )
    return Sentence(words, time=clock_time(until))


def _count_or_wait(doors: tuple[AttemptLimit, ...]) -> None:
    """Count the try at every door, or at none; waits briefly for tries under way, which may turn out right."""
    for pause in (*RETRY_PAUSES, None):
        shut = _first_limit_reached(doors)
        if shut is None:
            return
        until = _locked_until(shut)
        if until is not None or pause is None:
            raise AttemptLimitReached(until)
        time.sleep(pause)


def _first_limit_reached(doors: tuple[AttemptLimit, ...]) -> AttemptLimit | None:
    """None when every door let the try in; else the one that did not. Doors are taken in one order: no deadlock."""
    now = clock.now()
    for door in _in_order(doors):
        if db.session.execute(_count_statement(door, now)).scalar_one_or_none() is None:
            db.session.rollback()
            return door
    db.session.commit()
    return None


def _count_statement(door: AttemptLimit, now: datetime):
    """One statement: begin anew after the lock or after fifteen quiet minutes; a try that died half-way is forgotten."""
    gate = AttemptCounter
    is_over = or_(gate.locked_until <= now, and_(gate.locked_until.is_(None), gate.last_try_at < now - LOCKOUT_LENGTH))
    all_died = gate.last_try_at < now - MAX_HASH_TIME
    row = insert(gate).values(key=door.key, user_id=door.user_id, tries=1, failures=0, last_try_at=now)
    return row.on_conflict_do_update(
        index_elements=[gate.key],
        set_={
            "tries": case((is_over, 1), (all_died, gate.failures + 1), else_=gate.tries + 1),
            "failures": case((is_over, 0), else_=gate.failures),
            "locked_until": case((is_over, None), else_=gate.locked_until),
            "last_try_at": now,
        },
        where=or_(is_over, and_(gate.failures < door.most, or_(gate.tries < door.most, all_died))),
    ).returning(gate.id)


def _locked_until(door: AttemptLimit) -> datetime | None:
    until = db.session.execute(select(AttemptCounter.locked_until).filter_by(key=door.key)).scalar_one_or_none()
    db.session.commit()
    return until


def clear_lockouts(user_id: int) -> None:
    """Clear the account's lockouts in the caller's transaction."""
    db.session.execute(delete(AttemptCounter).where(AttemptCounter.user_id == user_id))
