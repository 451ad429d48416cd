"""Sends alerts and marks them as read."""

from __future__ import annotations

from sqlalchemy import select, update

from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import enqueue
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.events import publish_to_person
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff import directory, notifier

from . import queries
from .channels import sending
from .models import Notification


@action(Permission.SIGNED_IN, "messages.tell")
def notify(
    user_id: int,
    *,
    title: str,
    message: str = "",
    url: str = "",
    kind: str = "info",
    sent_as: str | None = None,
    by: Person,
) -> Notification:
    """Send an alert to one person, also to their open pages, and by e-mail or SMS when they want it.

    `title` and `message` must not name a patient: they are shown on shared screens. `sent_as` is the kind of message that
    decides itself over which channels it is sent.
    """
    notification = Notification(user_id=user_id, title=title, message=message, url=url, kind=kind)
    db.session.add(notification)
    db.session.flush()
    publish_to_person(user_id, notification.id, title)
    channels = sending.set_up_channels()
    if channels and (sent_as or queries.wants_alerts(user_id, channels)):
        enqueue(f"messages.make.{sent_as or 'staff.alert'}", notification.id)
    return notification


def notify_everyone_with(
    permission: Permission, *, title: str, message: str, url: str, except_for: Person, by: Person
) -> None:
    """Send a warning to everyone with `permission`, without the person `except_for` whose action it is about."""
    for user_id in directory.user_ids_with_permission(permission):
        if user_id != except_for.id:
            notify(user_id, title=title, message=message, url=url, kind="warning", by=by)


@action(Permission.SIGNED_IN, "messages.mark_read")
def mark_read(notification_id: int, *, by: Person) -> Notification:
    """Mark one of the person's own alerts as read; `NotFound` for the alert of another person."""
    query = select(Notification).where(Notification.id == notification_id, Notification.user_id == by.id)
    notification = db.session.scalars(query).one_or_none()
    if notification is None:
        raise NotFound(N_("This alert does not exist."))
    notification.read_at = notification.read_at or clock.now()
    return notification


@action(Permission.SIGNED_IN, "messages.mark_all_read")
def mark_all_read(*, by: Person) -> None:
    """Mark all the person's alerts as read."""
    own_unread = (Notification.user_id == by.id, Notification.read_at.is_(None))
    db.session.execute(update(Notification).where(*own_unread).values(read_at=clock.now()))


notifier.register_notifier(notify)
