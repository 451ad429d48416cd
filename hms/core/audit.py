"""The trail: every change (by a trigger on each table), every read (`read_log.py`), every denial, every export.

Entries are written inside the business transaction and never wait for each other. Each is signed by the database as it is
written, with a key that the program hands over for that one transaction and that is kept nowhere (`ticket`); a sealing
step every few seconds chains them (`chain.py`). The columns follow IHE BALP (Basic Audit Log Patterns).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any

from flask import current_app, g, has_request_context, request
from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .db import db, note_write
from .people import Person

_BESIDE = ["entity", "outcome", "recorded_at"]
"""What the trail is filtered by besides a person or an action, kept in their indexes: no entry is fetched in vain."""

COUNTED = "(action LIKE '%.read%' OR action = 'clinical.open_chart') AND (new IS NULL OR NOT jsonb_exists(new, 'list'))"
"""The entries of reads but for rows of lists; the statements of `read_log.py` and `read_limit.py` have exactly this condition,
so that PostgreSQL uses its index (`tests/core/test_read_limit.py` compares)."""


class AuditEntry(db.Model):  # type: ignore[name-defined]
    """One thing that somebody did, saw or was refused. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_patient", "patient_id", "id", postgresql_where=text("patient_id IS NOT NULL")),
        Index("ix_audit_entry_actor", "actor_id", "id", postgresql_include=["action", *_BESIDE]),
        Index("ix_audit_entry_action", "action", "id", postgresql_include=_BESIDE),
        Index("ix_audit_entry_entity", "entity", "id"),
        Index("ix_audit_entry_record", "entity_id", "entity", "id"),
        Index("ix_audit_entry_refused", "id", postgresql_where=text("outcome <> 'success'")),
        Index("ix_audit_entry_purpose", "id", postgresql_where=text("purpose IS NOT NULL")),
        Index("ix_audit_entry_time", "recorded_at"),
        Index(
            "ix_audit_entry_reads",
            "actor_id",
            "recorded_at",
            postgresql_where=text(COUNTED),
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
    """The chain: one seal per audit row, in the order of sealing."""

    __tablename__ = "audit_seal"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary)


_COLUMNS = (
    *("action", "outcome", "actor_name", "actor_role", "request_id", "entity", "purpose"),
    *("actor_id", "session_id", "entity_id", "patient_id", "ip", "new"),
)
_WRITE = text("""
INSERT INTO audit_entry (action, outcome, actor_name, actor_role, request_id, entity, purpose,
                         actor_id, session_id, entity_id, patient_id, ip, new)
SELECT CAST(:action AS text), CAST(:outcome AS text), CAST(:actor_name AS text), CAST(:actor_role AS text),
       CAST(:request_id AS text), CAST(:entity AS text), CAST(:purpose AS text), CAST(:actor_id AS bigint),
       CAST(:session_id AS bigint), CAST(:entity_id AS bigint), CAST(:patient_id AS bigint), CAST(:ip AS inet),
       CAST(:new AS jsonb)
  FROM set_config('hms.ticket', :ticket, true)
""")
_EMPTY: dict[str, Any] = dict.fromkeys(_COLUMNS) | {"outcome": "success"}


def record(
    action: str,
    by: Person | None,
    *,
    entity: str | None = None,
    entity_id: int | None = None,
    patient_id: int | None = None,
    outcome: str = "success",
    purpose: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write one entry that is not a change of a row: a chart opened, an export, a denial. The caller commits.

    `purpose` is what it was done for (HL7 PurposeOfUse) where it is not the request's own.
    """
    entry: dict[str, Any] = {"entity": entity, "entity_id": entity_id, "patient_id": patient_id, "new": details}
    entry["outcome"] = outcome
    record_each(action, by, [entry if purpose is None else entry | {"purpose": purpose}])


def record_each(action: str, by: Person | None, entries: list[dict[str, Any]]) -> None:
    """Write several entries of one action in one statement; each is columns of the entry. The caller commits."""
    same = _EMPTY | {"action": action, "ticket": ticket()} | who_columns(by)
    rows = [same | entry for entry in entries]
    for row in rows:
        row["new"] = None if row["new"] is None else json.dumps(row["new"], default=str)
    note_write(db.session())
    db.session.connection().execute(_WRITE, rows)


def who_columns(by: Person | None) -> dict[str, Any]:
    """The columns that say who acts, from where and in which request."""
    who: dict[str, Any] = {}
    if by is not None and by.is_authenticated:
        who = {"actor_id": by.id, "actor_name": by.username, "actor_role": by.role, "session_id": by.session_id}
    if has_request_context():
        who |= {"ip": request.remote_addr, "request_id": g.get("request_id"), "purpose": g.get("purpose")}
    return who


def key() -> bytes:
    """AUDIT_KEY: who has it can write and check entries; it is never in the database."""
    return current_app.config["AUDIT_KEY"].encode()


def signing_key(number: str) -> str:
    """The key with which the database signs the entries of the transaction that has the ticket `number`."""
    return hmac.new(key(), b"ticket " + number.encode(), hashlib.sha256).hexdigest()


def ticket() -> str:
    """A fresh ticket for the database's setting `hms.ticket`: its number, which is kept, and its key, which is not.

    Whoever writes into the trail past the programs has no key, and `verify` names the entry.
    """
    number = secrets.token_hex(8)
    return f"{number}:{signing_key(number)}"
