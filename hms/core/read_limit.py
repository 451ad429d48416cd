"""Very many records read in a short time by one account: administrators are told, then the account is slowed down.

Counted is what the account's reads of the last minutes left in the trail (`read_log.py`): every patient whose record
was opened counts one, however often, a hundred rows of lists count one, and so do twenty rows that searches found. So
nothing else has to be kept, and nobody waits for anybody; no more than the last entries are looked at, ten times the
limit. When the limit is passed administrators are told, once in the minutes that it looks back; from then on the
account reads so many times a minute and no more: further reads are answered 429 with `Retry-After`. Nothing is closed
for good, so that care goes on, and no process waits. Below the limit again, all is as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, has_request_context
from sqlalchemy import text

from .audit import recording
from .db import advisory_locks
from .db.advisory_locks import AdvisoryLock
from .db.session import db
from .errors import DomainError
from .person import Person
from .settings import store as settings
from .text.translation import N_

ALARM = "security.mass_reading"
"""The entry of the trail that says that the limit was passed. Its name holds no `.read`, so it counts as no read itself."""


class TooManyReads(DomainError):
    """The account has read very many records in a short time and reads the next one in `retry_after` seconds."""

    status = 429
    code = "too_many_reads"
    is_denial = True

    def __init__(self, per_minute: int, seconds: int) -> None:
        super().__init__(
            N_(
                "You have opened very many records in a short time, so you now open %(count)s a minute."
                " Wait %(seconds)s seconds, then try again."
            ),
            count=per_minute,
            seconds=seconds,
        )
        self.retry_after = seconds


@dataclass(frozen=True)
class Limit:
    """So many reads in so many minutes (0: no limit), and above it so many a minute."""

    reads: int
    minutes: int
    per_minute: int


def limit() -> Limit:
    """The limit as the hospital has set it."""
    names = ("mass_read_records", "mass_read_minutes", "slow_reads")
    return Limit(*(settings.value(f"security.{name}") for name in names))


on_limit_passed: list[Callable[[Person, Limit], None]] = []
"""What is called when an account passes the limit, inside the transaction of the read: desks above put theirs in."""


def holds(by: Person, limit_: Limit) -> bool:
    """Whether there is a limit for `by`: not for patients, who read their own record, nor for the hospital itself."""
    return by.id is not None and not by.is_patient and limit_.reads > 0


def check(by: Person, lately: int, limit_: Limit) -> None:
    """Hold `by`, who had so many reads `lately`, to the limit at one more that is written already. `TooManyReads` when
    they must wait."""
    if lately < limit_.reads or _was_counted():
        return
    is_told, seconds = _alarm_and_wait(by, limit_)
    if not is_told:
        _raise_alarm(by, limit_)
    elif seconds is not None and seconds > 0:
        raise TooManyReads(limit_.per_minute, seconds)


def _alarm_and_wait(by: Person, limit_: Limit) -> tuple[bool, int | None]:
    values = {"actor_id": by.id, "minutes": limit_.minutes, "per_minute": limit_.per_minute}
    is_told, seconds = db.session.connection().execute(_ALARM_AND_WAIT, values).one()
    return is_told, seconds


def _was_counted() -> bool:
    """Mark the request as let through; the answer is whether an earlier read of it was: then all of it is."""
    if not has_request_context():
        return False
    before, g.counted_read = g.get("counted_read"), g.get("request_id")
    return before is not None and before == g.counted_read


_ALARM_AND_WAIT = text("""
SELECT EXISTS (SELECT FROM audit_entry
                WHERE action = 'security.mass_reading' AND actor_id = CAST(:actor_id AS bigint)
                  AND recorded_at > now() - make_interval(mins => CAST(:minutes AS int))),
       (SELECT ceil(60 - extract(epoch FROM clock_timestamp() - recorded_at))::int
          FROM audit_entry
         WHERE actor_id = CAST(:actor_id AS bigint) AND recorded_at > now() - interval '60 seconds'
           AND (action LIKE '%.read%' OR action = 'clinical.open_chart')
           AND (new IS NULL OR NOT jsonb_exists(new, 'list'))
         ORDER BY recorded_at DESC OFFSET CAST(:per_minute AS int) LIMIT 1)
""")
"""Whether administrators were told in the limit's minutes; and in how many seconds the account has read less than so many
times within a minute, the read under way apart (NULL, zero or less: it has already)."""


def _raise_alarm(by: Person, limit_: Limit) -> None:
    """Told once, also when several reads pass the limit at the same moment: the first one tells."""
    if not advisory_locks.try_acquire_for(AdvisoryLock.READ_LIMIT, by.id or 0) or _alarm_and_wait(by, limit_)[0]:
        return
    about = {"entity": "app_user", "entity_id": by.id}
    recording.record(ALARM, by, **about, details={"reads": limit_.reads, "minutes": limit_.minutes})
    for tell in on_limit_passed:
        tell(by, limit_)
