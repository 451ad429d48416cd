"""Makes the totals of days: of each day that has ended, and again of each day whose records changed since.

Whoever writes a record of a day holds the advisory lock of that day, shared, until the transaction ends, and notes the day
in `unsettled_day` if it is settled (triggers of migration 0040). Whoever makes the totals of a day holds the lock alone. So
the totals contain every write of a day that is not noted. A lock that is not free is left for the next run: neither waits.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, or_, select, text, update
from sqlalchemy.exc import DBAPIError

from hms.core import clock
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.text.dates import end_of_month
from hms.reports.models import MonthToDate, SettledDays, TotalBeforeMonth, UnsettledDay

from . import statements
from .measures import SOURCES, Source

LOCKS_OF_SOURCE = 10_000_000
"""How many lock numbers a source has, one for each day; the triggers use the same numbers."""
FIRST_DAY = date(2000, 1, 1)
ENDED = timedelta(minutes=1)
"""A day is settled so long after its end, because the last writers of a day may still be working."""
LOCK_TIMEOUT = "400ms"
"""How long a step waits for tables that are being written: less than PostgreSQL's `deadlock_timeout` (1 s), so that a step and a
writer that wait for each other end with the step, which is left for the next run."""
RUN_SECONDS = 10.0
"""How long one run takes at most, so that the other tasks of the scheduler are not late."""


@cache
def is_pending() -> ColumnElement[bool]:
    """The condition that days have changed or ended since their totals were made; execute it with `pending_values`."""
    ended = (
        and_(SettledDays.source == source.name, SettledDays.settled_until < bindparam(f"ended_{source.name}"))
        for source in SOURCES
    )
    is_behind = exists().where(or_(SettledDays.zone != bindparam("zone"), *ended))
    return or_(is_behind, exists().where(UnsettledDay.id.is_not(None)))


def pending_values() -> dict[str, Any]:
    """The values of `is_pending` at this moment."""
    return _values(**{f"ended_{source.name}": _ended(source) for source in SOURCES})


def settle_pending(run_seconds: float = RUN_SECONDS) -> int:
    """Make totals until all are made or the time is over; returns how many steps were done. Commits after each step."""
    ends, done = time.monotonic() + run_seconds, 0
    for source in SOURCES:
        while time.monotonic() < ends and settle_step(source):
            done += 1
    return done


def settle_step(source: Source) -> bool:
    """Make the totals of one changed day, or of the next days up to the end of their month. Commits.

    False when nothing is left to do, or when what is left is being written by others.
    """
    try:
        is_done = _settle_next(source)
        db.session.commit()
    except BaseException as error:
        db.session.rollback()
        if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return False
        raise
    return is_done


def _settle_next(source: Source) -> bool:
    timeouts = "SELECT set_config('statement_timeout', '60s', true), set_config('lock_timeout', :lock_timeout, true)"
    db.session.execute(text(timeouts), {"lock_timeout": LOCK_TIMEOUT})
    of_source = select(SettledDays.zone, SettledDays.settled_until).where(SettledDays.source == source.name)
    state = db.session.execute(of_source.with_for_update(skip_locked=True)).one_or_none()
    if state is None:  # another process makes them
        return False
    if state.zone != clock.zone().key:
        _begin(source)
        return True
    return _settle_changed(source, state.settled_until) or _settle_ended(source, state.settled_until)


def _begin(source: Source) -> None:
    """Forget every total of the source and begin with its first day, in the hospital's present time zone.

    The lock waits for all who write records now: their triggers use the former zone, or none. Totals of days that are not
    settled are not read, so they are left to be replaced.
    """
    db.session.execute(statements.clause(statements.lock_tables(source)))
    days = [
        db.session.execute(statements.selection(statements.first_day(source)), _values()).scalar_one(),
        db.session.execute(select(db.func.min(MonthToDate.day)).where(_is_of(source, MonthToDate))).scalar_one(),
    ]
    first = min((day for day in days if day is not None), default=clock.today())
    db.session.execute(delete(UnsettledDay).where(UnsettledDay.source == source.name))
    begun = {"zone": clock.zone().key, "settled_until": first}
    db.session.execute(update(SettledDays).where(SettledDays.source == source.name).values(begun))


def _settle_changed(source: Source, settled_until: date) -> bool:
    """Correct the totals by one day whose records changed after it was settled."""
    changed = select(UnsettledDay.day).where(UnsettledDay.source == source.name, UnsettledDay.day < settled_until)
    for day in db.session.scalars(changed.distinct().order_by(UnsettledDay.day)).all():
        if advisory_locks.try_acquire_for(AdvisoryLock.TOTALS, _lock_number(source, day)):
            _correct_day(source, day, settled_until)
            return True
    return False


def _correct_day(source: Source, day: date, settled_until: date) -> None:
    """Correct the running totals from `day` on, whose lock is held. No other day is counted again."""
    next_month = _next_month(day)
    values = _values(first=day, end=day + timedelta(days=1), month=day.replace(day=1), measures=_names(source))
    values |= {"until": min(next_month, settled_until), "next_month": next_month}
    values |= {"last_month": settled_until.replace(day=1)}
    db.session.execute(statements.clause(statements.correct_day(source)), values)
    db.session.execute(delete(UnsettledDay).where(UnsettledDay.source == source.name, UnsettledDay.day == day))


def _settle_ended(source: Source, first: date) -> bool:
    """Settle the next days that have ended, up to the end of their month."""
    days = (min(_ended(source), _next_month(first)) - first).days
    if days > 0:
        days = advisory_locks.try_acquire_range(AdvisoryLock.TOTALS, _lock_number(source, first), days)
    if days <= 0:
        return False
    until = first + timedelta(days=days)
    _make_days(source, first, until)
    db.session.execute(update(SettledDays).where(SettledDays.source == source.name).values({"settled_until": until}))
    return True


def _ended(source: Source) -> date:
    """The first day of the source that has not ended."""
    return clock.local(clock.now() - ENDED).date() + timedelta(days=source.days_ahead + 1)


def _make_days(source: Source, first: date, until: date) -> None:
    """Make the running totals of the days from `first` to before `until`, whose locks are held, and of the month that ends
    with them."""
    measures, month = _names(source), first.replace(day=1)
    days = (MonthToDate.day >= first, MonthToDate.day < until)
    db.session.execute(delete(MonthToDate).where(_is_of(source, MonthToDate), *days))
    values = _values(first=first, until=until, end=until, month=month, measures=measures)
    db.session.execute(statements.clause(statements.insert_days(source)), values)
    noted = (UnsettledDay.source == source.name, UnsettledDay.day >= first, UnsettledDay.day < until)
    db.session.execute(delete(UnsettledDay).where(*noted))
    if until == _next_month(first):
        of_month = (_is_of(source, TotalBeforeMonth), TotalBeforeMonth.month == until)
        db.session.execute(delete(TotalBeforeMonth).where(*of_month))
        values = {"measures": measures, "month": month, "until": until}
        db.session.execute(statements.clause(statements.INSERT_MONTH), values)


def _next_month(day: date) -> date:
    return end_of_month(day.year, day.month) + timedelta(days=1)


def _names(source: Source) -> list[str]:
    return [measure.name for measure in statements.of_source(source)]


def _is_of(source: Source, total: Any) -> Any:
    return total.measure.in_(_names(source))


def _lock_number(source: Source, day: date) -> int:
    return source.number * LOCKS_OF_SOURCE + (day - FIRST_DAY).days


def _values(**values: Any) -> dict[str, Any]:
    return {"zone": clock.zone().key, **values}
