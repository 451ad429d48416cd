"""Last imported state of records from other systems, entries made offline, and lists imported from files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.models import Record, UnauditedRecord
from hms.core.db.session import db
from hms.interop.enums import BatchState, RowState


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


def _one_of(column: str, words: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(word)) for word in words)})"


class ImportBatch(Record):
    """A file that a person imports, and where it stands. `columns` says which column of the file is which field; `problem` is
    the sentence that says why the work stopped. The content of the file is in the rows until `content_deleted_at`.
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(_one_of("state", BatchState), name="state_known"),
        CheckConstraint("date_order IN ('', 'day_first', 'month_first')", name="date_order_known"),
        CheckConstraint("decimal_sign IN ('.', ',')", name="decimal_sign_known"),
        Index("ix_import_batch_user", "user_id", "id"),
        Index("ix_import_batch_content", "created_at", postgresql_where=text("content_deleted_at IS NULL")),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))
    kind: Mapped[str]
    file_name: Mapped[str]
    headings: Mapped[list[str]] = mapped_column(ARRAY(db.Text))
    encoding: Mapped[str]
    separator: Mapped[str]
    columns: Mapped[dict]
    date_order: Mapped[str] = mapped_column(default="", server_default="")
    decimal_sign: Mapped[str]
    changes_existing: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    state: Mapped[str]
    problem: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    row_count: Mapped[int]
    content_deleted_at: Mapped[datetime | None]


class ImportRow(UnauditedRecord):
    """A row of an imported file. `number` is its row in the spreadsheet; its cells are deleted when it is imported.

    `problems` are sentences with the field they are about; `match_id` is the record that seems to be the same, `twin_number`
    the earlier row that does, and `is_other` says that a person knows it is another one. `identities` are digests of what rows
    that mean the same record have in common.
    `before` is what a record was that the row changed; without it the row made the record.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        CheckConstraint(_one_of("state", RowState), name="state_known"),
        Index("ix_import_row_state", "batch_id", "state", "number"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="RESTRICT"))
    number: Mapped[int]
    cells: Mapped[list[str] | None] = mapped_column(ARRAY(db.Text))
    state: Mapped[str] = mapped_column(default=RowState.WAITING.value, server_default=RowState.WAITING.value)
    problems: Mapped[list] = mapped_column(JSONB, default=list, server_default=text("'[]'::jsonb"))
    identities: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list, server_default=text("'{}'::text[]"))
    match_id: Mapped[int | None]
    twin_number: Mapped[int | None]
    is_other: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    record_id: Mapped[int | None]
    before: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    saved_at: Mapped[datetime | None]
