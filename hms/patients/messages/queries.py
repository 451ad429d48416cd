"""Reads of messages, with the patient or the person of the staff of each.

A patient's record that is closed to the reader is left out. Those to the staff are shown to who manages the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.parameters import Bounds
from hms.messages.models import OutgoingMessage
from hms.patients.access import policy
from hms.patients.identity.columns import IDENTITY
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User


@dataclass(frozen=True)
class MessageFilter:
    """Which messages a list shows; None means all. The days are those of `due_at`, both included."""

    status: str | None = None
    kind: str | None = None
    channel: str | None = None
    day_from: date | None = None
    day_to: date | None = None
    patient_ids: tuple[int, ...] | None = None
    before: int | None = None

    def conditions(self) -> list[Any]:
        """The conditions of the rows."""
        equals = {"status": self.status, "kind": self.kind, "channel": self.channel}
        conditions = [getattr(OutgoingMessage, name) == value for name, value in equals.items() if value]
        conditions += Bounds.of_days(self.day_from, self.day_to).conditions(OutgoingMessage.due_at)
        if self.patient_ids is not None:
            conditions.append(OutgoingMessage.patient_id.in_(self.patient_ids))
        if self.before is not None:
            conditions.append(OutgoingMessage.id < self.before)
        return conditions


def select_messages(who: Person) -> Select:
    """Messages that `who` may know of, with the patient's identity, or the name of the person as `staff_name`."""
    seen = and_(OutgoingMessage.patient_id.is_not(None), *policy.visible_to(who, OutgoingMessage.patient_id))
    if who.may(Permission.MANAGE_SETTINGS):
        seen = or_(seen, OutgoingMessage.user_id.is_not(None))
    return (
        select(OutgoingMessage, *IDENTITY, display_name_column().label("staff_name"))
        .outerjoin(Patient, Patient.id == OutgoingMessage.patient_id)
        .outerjoin(User, User.id == OutgoingMessage.user_id)
        .where(seen)
    )


def list_messages(filters: MessageFilter, who: Person, limit: int) -> list[Row]:
    """The newest messages that match."""
    query = select_messages(who).where(*filters.conditions()).order_by(OutgoingMessage.id.desc()).limit(limit)
    return list(db.session.execute(query))


def get_message(message_id: int, who: Person) -> Row:
    """One message with its recipient, and the id of the one that was sent again after it; raises `NotFound`."""
    again = OutgoingMessage.__table__.alias("again").c
    newer = select(func.max(again.id)).where(again.again_of_id == OutgoingMessage.id).scalar_subquery()
    query = select_messages(who).add_columns(newer.label("newer_id")).where(OutgoingMessage.id == message_id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(N_("This message does not exist."))
    return row
