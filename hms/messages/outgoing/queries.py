"""Reads of messages: settings of the clock, and the messages of one record."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import func, select

from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.messages.enums import MessageStatus
from hms.messages.models import MessageClock, OutgoingMessage

from .rules import NO_QUIET_HOURS, QuietHours

DELAYED_AFTER = 3
"""Attempts after which a message that still waits counts as delayed."""


def quiet_hours() -> QuietHours:
    """The quiet hours of the settings; none when one of the two is blank."""
    begins, ends = settings.value("messages.quiet_from"), settings.value("messages.quiet_until")
    if not begins or not ends:
        return NO_QUIET_HOURS
    return QuietHours(time.fromisoformat(begins), time.fromisoformat(ends))


def reminder_leads() -> list[timedelta]:
    """How long before an appointment reminders are sent, the longest first."""
    hours = {int(part) for part in settings.value("messages.reminder_hours").split(",") if part.strip()}
    return [timedelta(hours=number) for number in sorted(hours, reverse=True)]


def least_notice() -> timedelta:
    """Nearer than this to an appointment no message about it is sent."""
    return timedelta(minutes=settings.value("messages.least_notice_minutes"))


def planned_until() -> datetime | None:
    """Until when reminders were planned; None before the first time."""
    return db.session.scalars(select(MessageClock.planned_until)).one_or_none()


def messages_of_appointment(appointment_id: int) -> list[OutgoingMessage]:
    """The messages about one appointment, newest first."""
    query = select(OutgoingMessage).where(OutgoingMessage.appointment_id == appointment_id)
    return list(db.session.scalars(query.order_by(OutgoingMessage.id.desc()).limit(50)))


def count_delayed() -> int:
    """How many messages still wait after `DELAYED_AFTER` attempts; at most 100 are counted."""
    delayed = select(OutgoingMessage.id).where(
        OutgoingMessage.status == MessageStatus.WAITING.value, OutgoingMessage.attempts >= DELAYED_AFTER
    )
    return db.session.scalars(select(func.count()).select_from(delayed.limit(100).subquery())).one()


def count_since(since: datetime) -> tuple[int, int]:
    """How many messages failed and how many were sent since then; of failed ones at most 100 are counted."""
    failed = select(OutgoingMessage.updated_at).filter_by(status=MessageStatus.FAILED.value)
    newest = db.session.scalars(failed.order_by(OutgoingMessage.id.desc()).limit(100)).all()
    sent = select(func.count()).where(OutgoingMessage.sent_at >= since)
    return sum(1 for ended in newest if ended >= since), db.session.scalars(sent).one()
