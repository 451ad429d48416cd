"""The tables of alerts, and of messages by SMS and e-mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import Record, UnauditedRecord, VersionedRecord
from hms.core.text.translation import N_

from .enums import TRANSITIONS, MessageStatus

ONCE = ("appointment_id", "notification_id", "kind", "lead_minutes", "occurrence", "channel")
FIRST = "again_of_id IS NULL"
"""The columns that make a message the same, and the rows among which each is there once: a person may send it again."""


class Notification(Record):
    """An alert for one person. `title` and `message` must not name a patient: they are shown on shared screens."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user", "user_id", "id"),
        Index("ix_notification_created_at", "user_id", "created_at", "id"),
        Index("ix_notification_unread", "user_id", postgresql_where=text("read_at IS NULL")),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(default="info")
    title: Mapped[str]
    message: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    read_at: Mapped[datetime | None]
    related_appointment_id: Mapped[int | None]


class OutgoingMessage(Record):
    """One message to a patient or to a person of the staff over one channel, about an appointment or an alert.

    It is written once for each occurrence of its kind, and sent once.

    `address`, `subject` and `body` are what is sent. `claimed_until` is set before the message is handed over: a claim that
    is over with no outcome means that the worker was stopped, and that the outcome is unknown. `gateway_words` is what
    became of the last attempt, in the gateway's own words, or why nothing was sent.
    """

    __tablename__ = "outgoing_message"
    transitions = TRANSITIONS
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(str(status)) for status in MessageStatus)})", name="status_known"),
        CheckConstraint("channel IN ('sms', 'email')", name="channel_known"),
        CheckConstraint("(status = 'sending') = (claimed_until IS NOT NULL)", name="claimed_while_sending"),
        CheckConstraint("num_nonnulls(patient_id, user_id) = 1", name="one_recipient"),
        Index(
            "uq_outgoing_message_once",
            *ONCE,
            unique=True,
            postgresql_where=text(FIRST),
            postgresql_nulls_not_distinct=True,
        ),
        Index("uq_outgoing_message_again_of", "again_of_id", unique=True),
        Index("ix_outgoing_message_patient", "patient_id", "id"),
        Index("ix_outgoing_message_user", "user_id", "id", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_outgoing_message_appointment", "appointment_id", "id"),
        Index(
            "ix_outgoing_message_notification", "notification_id", postgresql_where=text("notification_id IS NOT NULL")
        ),
        Index("ix_outgoing_message_status", "status", "id"),
        Index("ix_outgoing_message_due_at", "due_at", "id"),
        Index("ix_outgoing_message_created_at", "created_at", "id"),
        Index("ix_outgoing_message_sent_at", "sent_at", "id"),
        Index("ix_outgoing_message_claimed", "claimed_until", postgresql_where=text("status = 'sending'")),
        Index("ix_outgoing_message_gateway", "gateway_id", postgresql_where=text("gateway_id <> ''")),
    )

    kind: Mapped[str]
    channel: Mapped[str]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="RESTRICT"))
    notification_id: Mapped[int | None] = mapped_column(ForeignKey("notification.id", ondelete="RESTRICT"))
    occurrence: Mapped[str]
    lead_minutes: Mapped[int] = mapped_column(default=0)
    about_at: Mapped[datetime]
    language: Mapped[str]
    address: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    status: Mapped[str] = mapped_column(default="waiting")
    due_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    gateway_id: Mapped[str] = mapped_column(default="")
    gateway_words: Mapped[str] = mapped_column(default="")
    fallback_of_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_message.id", ondelete="RESTRICT"))
    again_of_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_message.id", ondelete="RESTRICT"))


class MessagePreference(VersionedRecord):
    """What a patient said about messages: a wish for each channel (`Wish`), and a language ("" as recorded).

    Of two rows, after two records of one patient were merged, the newest answer counts for each channel and the language.
    """

    __tablename__ = "message_preference"
    __table_args__ = (
        CheckConstraint("sms IN ('', 'agreed', 'refused') AND email IN ('', 'agreed', 'refused')", name="wishes_known"),
        Index("ix_message_preference_patient", "patient_id", "id"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="RESTRICT"))
    sms: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class MessageText(VersionedRecord):
    """The hospital's own text of a kind of message on a channel in a language."""

    __tablename__ = "message_text"
    __table_args__ = (
        CheckConstraint("btrim(body) <> ''", name="body_given", info={"message": N_("Enter a text."), "field": "body"}),
        Index("uq_message_text_place", "kind", "channel", "language", unique=True),
    )

    kind: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


class MessageClock(UnauditedRecord):
    """The one row of what the clock remembers: until when reminders were planned, and the last alert of failures."""

    __tablename__ = "message_clock"

    planned_until: Mapped[datetime | None]
    alerted_at: Mapped[datetime | None]
