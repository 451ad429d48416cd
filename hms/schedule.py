"""The periodic tasks of the scheduler. Each may run late or twice without harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .appointments.queue import jobs as bookings
from .appointments.reminders import jobs as reminders
from .appointments.waits import jobs as waits
from .core import drafts, idempotency
from .core.audit import chain, checkpoints
from .core.background import clock_watch, outbox
from .core.background.scheduler import WorkCheck
from .escalations import jobs as escalations
from .escalations import queries as escalation_queries
from .interop.imports import jobs as imports
from .messages.outgoing import jobs as outgoing
from .patients.access import jobs
from .patients.duplicates import jobs as duplicates
from .reports.totals import jobs as totals

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class PeriodicTask:
    """A function that the scheduler calls every `every_seconds`, if `has_work` says that there is work; `name` is for the log."""

    name: str
    every_seconds: int
    run: Callable[[], object]
    has_work: WorkCheck | None = None


PERIODIC_TASKS = (
    PeriodicTask("seal the audit trail", 5, chain.seal_pending, WorkCheck(chain.is_unsealed)),
    PeriodicTask("seal late entries of the audit trail", 5 * MINUTE, chain.seal_pending),
    PeriodicTask("append an audit checkpoint", HOUR, checkpoints.append_checkpoint),
    PeriodicTask("watch the clock", 5, clock_watch.watch.look),
    PeriodicTask("wake the worker for due jobs", 5, outbox.wake_for_due, WorkCheck(outbox.is_due, outbox.due_values)),
    PeriodicTask(
        "do the steps of critical values that are due",
        5,
        escalations.do_due_steps,
        WorkCheck(escalation_queries.is_due, escalation_queries.due_values),
    ),
    PeriodicTask("delete expired idempotency keys", HOUR, idempotency.delete_expired),
    PeriodicTask("delete expired drafts", HOUR, drafts.delete_expired),
    PeriodicTask("delete the content of old imports", HOUR, imports.delete_expired),
    PeriodicTask("remind of overdue reviews", HOUR, jobs.remind_reviewers),
    PeriodicTask("plan reminders of appointments", MINUTE, reminders.plan_reminders),
    PeriodicTask("look after messages to patients", MINUTE, outgoing.look_after),
    PeriodicTask("make the paces of doctors and service points", HOUR, waits.make_service_paces),
    PeriodicTask("mark bookings whose patients did not come", 10 * MINUTE, bookings.mark_no_shows),
    PeriodicTask("compare new patients with the others", MINUTE, duplicates.compare_pending),
    PeriodicTask(
        "make the totals of days", MINUTE, totals.settle_pending, WorkCheck(totals.is_pending, totals.pending_values)
    ),
)
