"""The audit trail: every change (by a trigger on each table), every read (`read_log.py`), every denial, every export.

Entries are written inside the business transaction; transactions do not wait for each other. The database signs each
entry with a key that HMS sends for that transaction only and does not store (`ticket`); every few seconds new entries are
sealed (`chain.py`). The columns follow IHE BALP (Basic Audit Log Patterns).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.db.session import db

_INCLUDED_COLUMNS = ["entity", "outcome", "recorded_at"]
"""Filter columns of the audit trail, included in the indexes of actor and action for index-only scans."""

COUNTED_READS = (
    "(action LIKE '%.read%' OR action = 'clinical.open_chart') AND (new IS NULL OR NOT jsonb_exists(new, 'list'))"
)
"""Condition of the entries that count as reads (not the rows of lists). The statements of `read_log.py` and `read_limit.py`
repeat it exactly, so that PostgreSQL uses the index (`tests/core/test_read_limit.py` compares them)."""


class AuditEntry(db.Model):  # type: ignore[name-defined]
    """One change, read, export or denial. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_patient", "patient_id", "id", postgresql_where=text("patient_id IS NOT NULL")),
        Index("ix_audit_entry_actor", "actor_id", "id", postgresql_include=["action", *_INCLUDED_COLUMNS]),
        Index("ix_audit_entry_action", "action", "id", postgresql_include=_INCLUDED_COLUMNS),
        Index("ix_audit_entry_entity", "entity", "id"),
        Index("ix_audit_entry_record", "entity_id", "entity", "id"),
        Index("ix_audit_entry_refused", "id", postgresql_where=text("outcome <> 'success'")),
        Index("ix_audit_entry_purpose", "id", postgresql_where=text("purpose IS NOT NULL")),
        Index("ix_audit_entry_time", "recorded_at"),
        Index(
            "ix_audit_entry_reads",
            "actor_id",
            "recorded_at",
            postgresql_where=text(COUNTED_READS),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    action: Mapped[str]
    outcome: Mapped[str] = mapped_column(server_default="success")
    actor_id: Mapped[int | None]
    actor_name: Mapped[str | None]
    actor_role: Mapped[str | None]
    ip: Mapped[str | None] = mapped_column(INET)
    session_id: Mapped[int | None]
    request_id: Mapped[str | None]
    entity: Mapped[str | None]
    entity_id: Mapped[int | None]
    patient_id: Mapped[int | None]
    purpose: Mapped[str | None]
    old: Mapped[dict | None] = mapped_column(JSONB)
    new: Mapped[dict | None] = mapped_column(JSONB)
    ticket: Mapped[str | None]
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditSeal(db.Model):  # type: ignore[name-defined]
    """One seal of the hash chain for each sealed audit entry, numbered in the order of sealing."""

    __tablename__ = "audit_seal"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
