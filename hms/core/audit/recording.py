"""Writes entries of the audit trail, signed with a key for one transaction."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any

from flask import current_app, g, has_request_context, request
from sqlalchemy import text

from hms.core.db.session import db, note_write
from hms.core.person import Person

_COLUMNS = (
    *("action", "outcome", "actor_name", "actor_role", "request_id", "entity", "purpose"),
    *("actor_id", "session_id", "entity_id", "patient_id", "ip", "new"),
)
_INSERT = text("""
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

    `purpose` (HL7 PurposeOfUse) replaces the purpose of the request.
    """
    entry: dict[str, Any] = {"entity": entity, "entity_id": entity_id, "patient_id": patient_id, "new": details}
    entry["outcome"] = outcome
    record_many(action, by, [entry if purpose is None else entry | {"purpose": purpose}])


def record_many(action: str, by: Person | None, entries: list[dict[str, Any]]) -> None:
    """Write several entries of one action in one statement; `entries` are dicts of columns. The caller commits."""
    shared = _EMPTY | {"action": action, "ticket": create_signing_ticket()} | actor_columns(by)
    rows = [shared | entry for entry in entries]
    for row in rows:
        row["new"] = None if row["new"] is None else json.dumps(row["new"], default=str)
    note_write(db.session())
    db.session.connection().execute(_INSERT, rows)


def actor_columns(by: Person | None) -> dict[str, Any]:
    """The audit columns of the actor, the address and the request."""
    columns: dict[str, Any] = {}
    if by is not None and by.is_authenticated:
        columns = {"actor_id": by.id, "actor_name": by.username, "actor_role": by.role, "session_id": by.session_id}
    if has_request_context():
        columns |= {"ip": request.remote_addr, "request_id": g.get("request_id"), "purpose": g.get("purpose")}
    return columns


def audit_key() -> bytes:
    """The secret AUDIT_KEY, which signs and verifies entries; it is never in the database."""
    return current_app.config["AUDIT_KEY"].encode()


def signing_key(number: str) -> str:
    """The key that signs the entries of the transaction with the ticket `number`."""
    return hmac.new(audit_key(), b"ticket " + number.encode(), hashlib.sha256).hexdigest()


def create_signing_ticket() -> str:
    """A new ticket for the database setting `hms.ticket`: its number, which is stored, and its key, which is not.

    An entry written without HMS has no valid signature, and `verify` reports it.
    """
    number = secrets.token_hex(8)
    return f"{number}:{signing_key(number)}"
