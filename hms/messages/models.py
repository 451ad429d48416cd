"""The table of alerts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import Record


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
