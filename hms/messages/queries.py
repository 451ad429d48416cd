"""Reads of a person's own alerts."""

from __future__ import annotations

from sqlalchemy import Row, Select, select

from hms.core.db.session import db
from hms.staff.models import User

from .models import Notification


def own_notifications(user_id: int, *, unread_only: bool = False, before: int | None = None) -> Select:
    """Select the person's alerts, newest first; with `before` those with a smaller id."""
    query = select(Notification).where(Notification.user_id == user_id)
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    if before:
        query = query.where(Notification.id < before)
    return query.order_by(Notification.id.desc())


def wants_mail(user_id: int) -> bool:
    """Whether the person is active, wants alerts by e-mail and has an address."""
    return db.session.scalars(select(User.id).where(User.id == user_id, *_WANTS_MAIL)).first() is not None


_WANTS_MAIL = (User.is_active, User.email != "", User.preferences["notify_by_email"].as_boolean().is_(True))


def find_mail_of_alert(notification_id: int) -> Row | None:
    """An alert with the address and language of its person; None when it was read, or when no e-mail is wanted."""
    alert = Notification.__table__.c
    query = select(alert.title, alert.message, alert.url, alert.created_at, alert.user_id, User.email, User.language)
    query = query.join(User, User.id == alert.user_id).where(alert.id == notification_id, alert.read_at.is_(None))
    return db.session.execute(query.where(*_WANTS_MAIL)).one_or_none()


def people_notified(url: str, *, kind: str) -> set[int]:
    """Ids of the people who got an alert of this kind with this address."""
    query = select(Notification.user_id).where(Notification.url == url, Notification.kind == kind)
    return set(db.session.scalars(query))
