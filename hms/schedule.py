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
class PeriodicTask:
    """One function and how many seconds lie between its runs."""

    name: str
    every_seconds: int
    do: Callable[[], object]


PERIODIC_TASKS = (
    PeriodicTask("seal the audit trail", 3, chain.seal_pending),
    PeriodicTask("note where the audit trail stands", HOUR, checkpoints.append_checkpoint),
    PeriodicTask("hand out waiting work", 5, outbox.dispatch_due),
    PeriodicTask("forget old one-time keys", HOUR, idempotency.delete_expired),
    PeriodicTask("forget old drafts", HOUR, drafts.delete_expired),
    PeriodicTask("remind of overdue reviews", HOUR, jobs.remind_reviewers),
)
