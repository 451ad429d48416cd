"""What other systems said about each record that came from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db import Working, db


class SourceRecord(Working):
    """The last state in which a resource was imported; `external_id` is "Patient/123", as on the record itself.

    `said` holds the values it was read into. A later import compares with them and not with the record, so that what
    was corrected here stays corrected until the source itself says something new. `identifiers` are "system|value", by
    which other resources may name it.
    """

    __tablename__ = "source_record"
    __table_args__ = (Index("ix_source_record_identifiers", "identifiers", postgresql_using="gin"),)

    external_id: Mapped[str] = mapped_column(unique=True)
    said: Mapped[dict]
    identifiers: Mapped[list[str]] = mapped_column(ARRAY(db.Text), default=list)
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())
