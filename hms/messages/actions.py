"""Telling somebody, and having read it."""

from __future__ import annotations

from sqlalchemy import select, update

from hms.core import clock
from hms.core.actions import action
from hms.core.background import mail
from hms.core.background.outbox import enqueue
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.events import publish_to_person
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff import directory, notifier

from . import queries
from .models import Notification


@action(Permission.SIGNED_IN, "messages.tell")
def tell(user_id: int, *, title: str, message: str = "", url: str = "", kind: str = "info", by: Person) -> Notification:
    """Tell one person; their open pages hear it. `title` and `message` name no patient."""
    row = Notification(user_id=user_id, title=title, message=message, url=url, kind=kind)
    db.session.add(row)
    db.session.flush()
    publish_to_person(user_id, row.id, title)
    if mail.is_set_up() and queries.wants_mail(user_id):
        enqueue("messages.mail", row.id)
    return row


def tell_everyone_who_may(
    permission: Permission, *, title: str, message: str, url: str, except_for: Person, by: Person
) -> None:
    """Warn everybody with `permission` but the person whose act the warning is about."""
    for user_id in directory.user_ids_with_permission(permission):
        if user_id != except_for.id:
            tell(user_id, title=title, message=message, url=url, kind="warning", by=by)


@action(Permission.SIGNED_IN, "messages.mark_read")
def mark_read(notification_id: int, *, by: Person) -> Notification:
    """The person has read one of their own notifications; another's is not found."""
    query = select(Notification).where(Notification.id == notification_id, Notification.user_id == by.id)
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    row.read_at = row.read_at or clock.now()
    return row


@action(Permission.SIGNED_IN, "messages.mark_all_read")
def mark_all_read(*, by: Person) -> None:
    """The person has read everything."""
    mine = (Notification.user_id == by.id, Notification.read_at.is_(None))
    db.session.execute(update(Notification).where(*mine).values(read_at=clock.now()))


notifier.register_notifier(tell)
