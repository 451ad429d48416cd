"""Which reminders of one appointment are due, and which of them still help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hms.messages.outgoing.rules import QuietHours, reminder_time


@dataclass(frozen=True)
class DueReminder:
    """A reminder that is due. One that comes too late, or that a later reminder replaces, is missed."""

    lead: timedelta
    due: datetime
    is_missed: bool


def useful_notice(lead: timedelta, notice: timedelta) -> timedelta:
    """How long before the appointment a reminder with this lead still helps."""
    return min(notice, lead / 2)


def due_reminders(
    starts: datetime,
    agreed: datetime,
    now: datetime,
    *,
    leads: Iterable[timedelta],
    notice: timedelta,
    quiet: QuietHours,
) -> list[DueReminder]:
    """The reminders of an appointment that are due now; none that was due before the time was agreed on.

    Of several that are due at once, after a clock that stood still, only the nearest is sent.
    """
    due = []
    for lead in sorted(leads):
        shortest = useful_notice(lead, notice)
        at = reminder_time(starts, lead, shortest, quiet)
        if agreed <= at <= now:
            due.append(DueReminder(lead, at, is_missed=bool(due) or now > starts - shortest))
    return due
