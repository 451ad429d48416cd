"""Writes: failed background jobs are tried again."""

from __future__ import annotations

from hms.core.actions import action
from hms.core.background import outbox
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_


@action(Permission.ADMINISTER, "outbox.retry")
def retry_failed_jobs(outbox_ids: list[int], *, by: Person) -> int:
    """Try failed jobs again with all attempts; returns how many. `NotFound` when none of them is a failed job now."""
    count = outbox.retry(*outbox_ids)
    if not count:
        raise NotFound(N_("This job has not failed, or was tried again already."))
    return count
