"""Reads of a person's own alerts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Row, Select, and_, case, or_, select

from hms.core.db.session import db
from hms.staff.models import User

from .enums import Channel
from .models import Notification


def own_notifications(user_id: int, *, unread_only: bool = False, before: int | None = None) -> Select:
    """Select the person's alerts, newest first; with `before` those with a smaller id."""
    query = select(Notification).where(Notification.user_id == user_id)
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    if before:
        query = query.where(Notification.id < before)
    return query.order_by(Notification.id.desc())


_WANTED: dict[Channel, ColumnElement[bool]] = {
    Channel.EMAIL: and_(User.email != "", User.preferences["notify_by_email"].as_boolean().is_(True)),
    Channel.SMS: and_(User.phone != "", User.preferences["notify_by_sms"].as_boolean().is_(True)),
}


def wants_channel(channel: Channel) -> ColumnElement[bool]:
    """The condition that a person chose alerts on the channel and has an address there."""
    return _WANTED[channel]


def wants_alerts(user_id: int, channels: Iterable[Channel]) -> bool:
    """Whether the person is active and wants alerts on one of these channels."""
    wanted = or_(*(_WANTED[channel] for channel in channels))
    return db.session.scalars(select(User.id).where(User.id == user_id, User.is_active, wanted)).first() is not None


def find_alert_to_send(notification_id: int) -> Row | None:
    """An alert with the language of its person and the addresses at which it is wanted, blank where it is not; None when it
    was read, or when it is wanted nowhere."""
    alert = Notification.__table__.c
    email = case((_WANTED[Channel.EMAIL], User.email), else_="").label("email")
    phone = case((_WANTED[Channel.SMS], User.phone), else_="").label("phone")
    query = select(alert.title, alert.message, alert.url, alert.created_at, alert.user_id, email, phone, User.language)
    query = query.join(User, User.id == alert.user_id).where(alert.id == notification_id, alert.read_at.is_(None))
    return db.session.execute(query.where(User.is_active, or_(*_WANTED.values()))).one_or_none()


def people_notified(url: str, *, kind: str) -> set[int]:
    """Ids of the people who got an alert of this kind with this address."""
    query = select(Notification.user_id).where(Notification.url == url, Notification.kind == kind)
    return set(db.session.scalars(query))
