"""The limit of records that one account reads in a short time. Above it, administrators are alerted and reads are slowed.

Reads are counted from the audit trail (`read_log.py`), so no other counter is stored. Each patient whose record was opened
in the last minutes counts once; a hundred list rows, or twenty search results, count once. At most the newest entries are
counted, ten times the limit.

Above the limit administrators get one alert for each period of the limit, and the account may read only a set number of
records a minute; further reads get 429 with `Retry-After`. The account is never locked, so that patient care continues. When
the count falls below the limit, reads are free again.
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
"""The audit entry of an account that passed the limit. Its name has no `.read`, so that it does not count as a read."""


class TooManyReads(DomainError):
    """The account is above the read limit and may read the next record in `retry_after` seconds: 429."""

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
    """At most `reads` in `minutes` (0 reads: no limit); above it, `per_minute` reads a minute."""

    reads: int
    minutes: int
    per_minute: int


def current_limit() -> Limit:
    """The limit in the hospital's settings."""
    names = ("mass_read_records", "mass_read_minutes", "slow_reads")
    return Limit(*(settings.value(f"security.{name}") for name in names))


on_limit_passed: list[Callable[[Person, Limit], None]] = []
"""Functions called when an account passes the limit, inside the transaction of the read. Desks add theirs."""


def is_limited(person: Person, limit: Limit) -> bool:
    """Whether the limit applies to `person`: not to patients, who read their own record, nor to the system."""
    return person.id is not None and not person.is_patient and limit.reads > 0


def check_reads(by: Person, recent_reads: int, limit: Limit) -> None:
    """Check the limit for one more read of `by`, whose entry is already written. Alerts administrators when `by` passes the
    limit now; raises `TooManyReads` when `by` passed it before and must wait."""
    if recent_reads < limit.reads or _was_checked_in_request():
        return
    is_alerted, seconds = _alert_and_wait(by, limit)
    if not is_alerted:
        _alert(by, limit)
    elif seconds is not None and seconds > 0:
        raise TooManyReads(limit.per_minute, seconds)


def _alert_and_wait(by: Person, limit: Limit) -> tuple[bool, int | None]:
    values = {"actor_id": by.id, "minutes": limit.minutes, "per_minute": limit.per_minute}
    is_alerted, seconds = db.session.connection().execute(_ALERT_AND_WAIT, values).one()
    return is_alerted, seconds


def _was_checked_in_request() -> bool:
    """Whether an earlier read of this request was checked: a request is checked once. Stores that for the next read."""
    if not has_request_context():
        return False
    checked_request_id, g.counted_read = g.get("counted_read"), g.get("request_id")
    return checked_request_id is not None and checked_request_id == g.counted_read


_ALERT_AND_WAIT = text("""
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
"""Whether administrators were alerted within the limit's minutes, and the seconds until the account may read again (NULL,
zero or less: now). The current read does not count."""


def _alert(by: Person, limit: Limit) -> None:
    """Record the alarm and call `on_limit_passed`; once, also when several reads pass the limit at the same moment."""
    if not advisory_locks.try_acquire_for(AdvisoryLock.READ_LIMIT, by.id or 0) or _alert_and_wait(by, limit)[0]:
        return
    account = {"entity": "app_user", "entity_id": by.id}
    recording.record(ALARM, by, **account, details={"reads": limit.reads, "minutes": limit.minutes})
    for alert in on_limit_passed:
        alert(by, limit)
