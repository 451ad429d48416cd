"""Very many records read in a short time by one account: administrators are told, then the account is slowed down.

Counted is what the trail has of the account's reads in the last minutes, so nothing else has to be kept and nobody waits
for anybody. Whoever passes the limit is told on once for as long as the limit looks back; from then on the account opens
so many records a minute and no more: further reads are answered 429 with `Retry-After`. Nothing is closed for good, so
that care goes on, and no process waits. Below the limit again, all is as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import audit, settings, turns
from .errors import DomainError
from .people import Person
from .turns import Turn
from .words import _

ALARM = "security.read_very_many"
"""The entry of the trail that says that the limit was passed; `reading.py` looks for it."""
WHOLE = 10
"""What one record counts, in tenths."""


class TooManyReads(DomainError):
    """The account has read very many records in a short time and opens the next one in `retry_after` seconds."""

    status = 429
    code = "too_many_reads"
    is_denial = True

    def __init__(self, per_minute: int, seconds: int) -> None:
        super().__init__(
            _(
                "You have opened very many records in a short time, so you now open %(count)s a minute."
                " Wait %(seconds)s seconds, then try again."
            ),
            count=per_minute,
            seconds=seconds,
        )
        self.retry_after = seconds


@dataclass(frozen=True)
class Limit:
    """So many records in so many minutes, and above it so many a minute."""

    records: int
    minutes: int
    per_minute: int


@dataclass(frozen=True)
class Lately:
    """What the trail had of the account before this read: tenths of records in the limit's minutes, whether administrators
    were told in that time, and how long to wait until there are fewer records in the last minute than a slowed account may
    open (None or 0: not at all)."""

    tenths: int
    is_told: bool
    seconds_to_wait: int | None


def limit() -> Limit:
    """The limit as the hospital has set it."""
    return Limit(
        *(settings.value(f"security.{name}") for name in ("mass_read_records", "mass_read_minutes", "slow_reads"))
    )


hears: list[Callable[[Person, Limit], None]] = []
"""What is called when an account passes the limit, inside the transaction of the read: desks above put theirs in."""


def check(by: Person, action: str, written: int, lately: Lately, limit_: Limit) -> None:
    """Hold `by` to the limit after `written` entries of `action` were written. `TooManyReads` when they must wait."""
    new = written * _tenths(action)
    if not new or by.id is None or by.is_patient or lately.tenths + new <= limit_.records * WHOLE:
        return
    if not lately.is_told:
        _raise_alarm(by, limit_)
    elif lately.seconds_to_wait:
        raise TooManyReads(limit_.per_minute, lately.seconds_to_wait)


def _tenths(action: str) -> int:
    if action.endswith(".read_board"):
        return 0
    return 1 if action.endswith(".read_list") else WHOLE


def _raise_alarm(by: Person, limit_: Limit) -> None:
    """Told once, also when several reads pass the limit at the same moment: the first one tells."""
    if not turns.is_free_for(Turn.MASS_READING, by.id or 0):
        return
    about = {"entity": "app_user", "entity_id": by.id}
    audit.record(ALARM, by, **about, details={"records": limit_.records, "minutes": limit_.minutes})
    for tell in hears:
        tell(by, limit_)
