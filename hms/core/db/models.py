"""Base classes of tables: audited, versioned, immutable, and operational ones that are not audited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from hms.core import clock

from .session import db


class Record(db.Model):  # type: ignore[name-defined]
    """A row that users create and change. A trigger on its table writes every change to the audit trail."""

    __abstract__ = True
    secret_columns: tuple[str, ...] = ()
    """Columns whose values are not in the audit trail. List them also in the migration that creates the trigger."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, server_default=func.now(), sort_order=98)
    updated_at: Mapped[datetime] = mapped_column(
        default=clock.now, server_default=func.now(), onupdate=clock.now, sort_order=99
    )


class VersionedRecord(Record):
    """A record that two people may edit at once: saving with an old `version` raises `StaleVersion`."""

    __abstract__ = True

    version: Mapped[int] = mapped_column(default=1, sort_order=97)

    def increment_version(self) -> None:
        """Make the record a new version; call it also when a row that belongs to it changes in another table."""
        self.version += 1


class ImmutableRecord(Record):
    """A row that is never changed: a trigger refuses UPDATE and DELETE. A correction is a new row."""

    __abstract__ = True


class UnauditedRecord(db.Model):  # type: ignore[name-defined]
    """An operational row (session, draft, outbox) that is not in the audit trail."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)
