"""When a message is sent: quiet hours, reminders before an appointment, and the time between two attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from hms.core import clock

RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
"""The pauses after the first, the second and further attempts; after the last one the next channel is tried."""
LAST_CHANNEL_RETRY_AFTER = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
"""The further pauses where there is no other channel; after the last one the message has failed."""
BEFORE_QUIET = timedelta(minutes=30)
"""A reminder that cannot wait for the end of the quiet hours is sent so long before they begin."""


@dataclass(frozen=True)
class QuietHours:
    """The hours of the night in hospital time in which nobody is sent a message; none when they are equal."""

    begins: time
    ends: time

    def end_after(self, instant: datetime) -> datetime | None:
        """The end of the quiet hours that `instant` is in; None outside them."""
        span = self._span_at(instant)
        return span[1] if span else None

    def begin_before(self, instant: datetime) -> datetime | None:
        """The beginning of the quiet hours that `instant` is in; None outside them."""
        span = self._span_at(instant)
        return span[0] if span else None

    def _span_at(self, instant: datetime) -> tuple[datetime, datetime] | None:
        if self.begins == self.ends:
            return None
        today = clock.local(instant).date()
        for day in (today - timedelta(days=1), today):
            last_day = day if self.begins < self.ends else day + timedelta(days=1)
            begin, end = clock.at(day, self.begins), clock.at(last_day, self.ends)
            if begin <= instant < end:
                return begin, end
        return None


NO_QUIET_HOURS = QuietHours(time.min, time.min)


def send_time(wanted: datetime, quiet: QuietHours) -> datetime:
    """`wanted`, or the end of the quiet hours that it is in."""
    return quiet.end_after(wanted) or wanted


def reminder_time(starts: datetime, lead: timedelta, notice: timedelta, quiet: QuietHours) -> datetime:
    """When a reminder of something that `starts` then is due, `lead` before it.

    In the quiet hours it waits for their end; when that would leave less than `notice`, it is sent before they begin.
    """
    wanted = starts - lead
    due = send_time(wanted, quiet)
    begin = quiet.begin_before(wanted)
    if begin is not None and due > starts - notice:
        return begin - BEFORE_QUIET
    return due


def next_attempt(
    attempts: int, now: datetime, valid_until: datetime | None, *, is_last_channel: bool
) -> datetime | None:
    """When the message is tried again after so many attempts; None when it is not."""
    pauses = RETRY_AFTER + (LAST_CHANNEL_RETRY_AFTER if is_last_channel else ())
    if attempts > len(pauses):
        return None
    then = now + pauses[attempts - 1]
    return None if valid_until is not None and then >= valid_until else then
