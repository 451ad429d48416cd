"""Base classes of records: audited, versioned, permanent, and operational ones that are not audited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, func
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, ORMExecuteState, Session, mapped_column, registry  # noqa: F401

from hms.core import clock

from .session import db


class Record(db.Model):  # type: ignore[name-defined]
    """A row that people make and change. Every change of it is in the audit trail (a trigger on its table)."""

    __abstract__ = True
    secret_columns: tuple[str, ...] = ()

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
    """A row that is for ever: a trigger refuses UPDATE and DELETE. A correction is a new row."""

    __abstract__ = True


class UnauditedRecord(db.Model):  # type: ignore[name-defined]
    """Bookkeeping of the machine itself (sessions, drafts, outbox); not in the audit trail."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)
