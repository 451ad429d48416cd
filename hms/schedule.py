"""What runs by the clock: one table. Every duty may run twice or late without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .core import drafts, idempotency
from .core.audit import chain, checkpoints
from .core.background import outbox
from .patients.access import jobs

HOUR = 3600


@dataclass(frozen=True)
class Duty:
    """One function and how many seconds lie between its runs."""

    name: str
    every_seconds: int
    do: Callable[[], object]


DUTIES = (
    Duty("seal the audit trail", 3, chain.seal_waiting),
    Duty("note where the audit trail stands", HOUR, checkpoints.note),
    Duty("hand out waiting work", 5, outbox.hand_out_due),
    Duty("forget old one-time keys", HOUR, idempotency.forget_old),
    Duty("forget old drafts", HOUR, drafts.forget_old),
    Duty("remind of overdue reviews", HOUR, jobs.remind_reviewers),
)
