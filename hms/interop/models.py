"""Last imported state of records from other systems, and entries made offline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import Record, UnauditedRecord
from hms.core.db.session import db


class SourceRecord(UnauditedRecord):
    """The last state in which a resource was imported; `external_id` is as on the record itself: "Patient/123", and behind a
    blank the name of its source where that is known ("Patient/123 https://clinic.example/mrn").

    `said` has the values read from it. A later import compares with them and not with the record, so that a correction
    made here stays until the source sends a new value. `identifiers` are "system|value"; other resources may refer to
    the resource by them. `resource` is the whole resource as JSON, so that it can be exported as it came in. `same_as` is the
    name of another resource by which the same person was imported first: there is one record for both.
    """

    __tablename__ = "source_record"
    __table_args__ = (
        Index("ix_source_record_identifiers", "identifiers", postgresql_using="gin"),
        Index("ix_source_record_name", text("split_part(external_id, ' ', 1)")),
    )

    external_id: Mapped[str] = mapped_column(unique=True)
    said: Mapped[dict]
    identifiers: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    resource: Mapped[str] = mapped_column(default="", server_default="")
    same_as: Mapped[str | None]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ExportName(UnauditedRecord):
    """The one row with the code of this hospital in the ids of its exported resources: "hms-<code>-7".

    By it a resource is known as this hospital's own, and never taken for one of another hospital that runs this program.
    """

    __tablename__ = "export_name"

    code: Mapped[str]


class OfflineEntry(Record):
    """One entry made on a device without network, with the device's key for it.

    `record_id` is the record that was created or changed. A refused entry has its `fields` and the `refusal` (the API's
    response) until the person marks it as done (`settled_at`); a saved one has neither. `fingerprint` is a digest of the
    fields: other fields under the key of a saved entry are a refused entry of their own. It is blank for entries from before
    it was kept.
    """

    __tablename__ = "offline_entry"
    __table_args__ = (
        UniqueConstraint("user_id", "model", "key", "fingerprint"),
        Index(
            "uq_offline_entry_saved",
            "user_id",
            "model",
            "key",
            unique=True,
            postgresql_where=text("record_id IS NOT NULL"),
        ),
        Index(
            "ix_offline_entry_open", "user_id", "id", postgresql_where=text("record_id IS NULL AND settled_at IS NULL")
        ),
        CheckConstraint("record_id IS NULL OR (fields IS NULL AND refusal IS NULL)", name="saved_keeps_no_copy"),
    )
    secret_columns = ("fields", "refusal")

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    model: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(default="", server_default="")
    record_id: Mapped[int | None]
    fields: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    refusal: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[int]
    settled_at: Mapped[datetime | None]
