"""Very many records read in a short time by one account: administrators are told, then the account is slowed down.

Counted are the requests of the account that the trail has reads of in the last minutes, each once: a chart, a bill, a page
of a list. So nothing else has to be kept, and nobody waits for anybody. When the limit is passed administrators are told,
once in the minutes that the limit looks back; from then on the account reads so many times a minute and no more: further
reads are answered 429 with `Retry-After`. Nothing is closed for good, so that care goes on, and no process waits. Below
the limit again, all is as before.
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


class TooManyReads(DomainError):
    """The account has read very many records in a short time and reads the next one in `retry_after` seconds."""

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
    """So many reads in so many minutes, and above it so many a minute."""

    reads: int
    minutes: int
    per_minute: int


@dataclass(frozen=True)
class Lately:
    """What the trail had of the account before this read: how many reads in the limit's minutes, whether administrators
    were told in that time, and for how many seconds there are still as many reads within a minute as a slowed account may
    have (None, zero or less: there are fewer)."""

    reads: int
    is_told: bool
    seconds_to_wait: int | None


def limit() -> Limit:
    """The limit as the hospital has set it."""
    names = ("mass_read_records", "mass_read_minutes", "slow_reads")
    return Limit(*(settings.value(f"security.{name}") for name in names))


hears: list[Callable[[Person, Limit], None]] = []
"""What is called when an account passes the limit, inside the transaction of the read: desks above put theirs in."""


def check(by: Person, lately: Lately, limit_: Limit) -> None:
    """Hold `by` to the limit at one more read. `TooManyReads` when they must wait."""
    if by.id is None or by.is_patient or lately.reads < limit_.reads:
        return
    if not lately.is_told:
        _raise_alarm(by, limit_)
    elif (lately.seconds_to_wait or 0) > 0:
        raise TooManyReads(limit_.per_minute, lately.seconds_to_wait or 1)


def _raise_alarm(by: Person, limit_: Limit) -> None:
    """Told once, also when several reads pass the limit at the same moment: the first one tells."""
    if not turns.is_free_for(Turn.MASS_READING, by.id or 0):
        return
    about = {"entity": "app_user", "entity_id": by.id}
    audit.record(ALARM, by, **about, details={"reads": limit_.reads, "minutes": limit_.minutes})
    for tell in hears:
        tell(by, limit_)
