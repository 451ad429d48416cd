"""The trail: every change (by a trigger on each table), every chart opened, every denial, chained by a keyed hash.

Rows are written inside the business transaction and never wait for each other; a sealing step every few seconds chains
them: seal n = HMAC(AUDIT_KEY, seal n-1 + SHA-256 of the row). `verify` re-computes the chain and names the first bad row.
The columns follow IHE BALP (Basic Audit Log Patterns).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, g, has_request_context, request
from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, func, insert, select, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .db import db
from .people import Person

BATCH = 2000
_SEAL_LOCK = 4242


class AuditEntry(db.Model):  # type: ignore[name-defined]
    """One thing that somebody did, saw or was refused. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_patient", "patient_id", "id", postgresql_where=text("patient_id IS NOT NULL")),
        Index("ix_audit_entry_actor", "actor_id", "id"),
        Index("ix_audit_entry_action", "action", "id"),
        Index("ix_audit_entry_entity", "entity", "entity_id", "id"),
        Index("ix_audit_entry_time", "recorded_at", postgresql_using="brin"),
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


class AuditSeal(db.Model):  # type: ignore[name-defined]
    """The chain: one seal per audit row, in the order of sealing."""

    __tablename__ = "audit_seal"

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary)


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
    row: dict[str, Any] = {
        "action": action,
        "outcome": outcome,
        "entity": entity,
        "entity_id": entity_id,
        "patient_id": patient_id,
        "new": details,
        **_who(by),
    }
    if purpose is not None:
        row["purpose"] = purpose
    db.session.execute(_WRITE, _EMPTY | row, execution_options={"is_nameless": True})


def record_each(action: str, by: Person, entries: list[dict[str, Any]]) -> None:
    """Write several entries of one action in one statement; each is columns of the entry. The caller commits."""
    same = {"action": action, "outcome": "success", **_EMPTY, **_OBJECT, **_who(by)}
    db.session.execute(_WRITE, [same | entry for entry in entries], execution_options={"is_nameless": True})


_WRITE = insert(AuditEntry.__table__)
_EMPTY = dict.fromkeys(("actor_id", "actor_name", "actor_role", "session_id", "ip", "request_id", "purpose"))
_OBJECT = dict.fromkeys(("entity", "entity_id", "patient_id", "new"))


def _who(by: Person | None) -> dict[str, Any]:
    who: dict[str, Any] = {}
    if by is not None and by.is_authenticated:
        who = {"actor_id": by.id, "actor_name": by.username, "actor_role": by.role, "session_id": by.session_id}
    if has_request_context():
        who |= {"ip": request.remote_addr, "request_id": g.get("request_id"), "purpose": g.get("purpose")}
    return who


def record_denial(by: Person | None, what: str) -> None:
    """Write that `by` was refused `what`, in a transaction of its own."""
    db.session.rollback()
    record("access.denied", by, outcome="denied", details={"what": what})
    db.session.commit()


def _key() -> bytes:
    return current_app.config["AUDIT_KEY"].encode()


def _chained(previous: bytes, row: dict[str, Any]) -> bytes:
    body = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
    return hmac.new(_key(), previous + hashlib.sha256(body).digest(), hashlib.sha256).digest()


_ENTRY = AuditEntry.__table__
_SEAL = AuditSeal.__table__


def seal_new() -> int:
    """Chain the rows that are not yet sealed; returns how many. One sealer at a time, writers are not held up."""
    db.session.execute(text("SET LOCAL statement_timeout = '60s'"))
    if not db.session.execute(select(func.pg_try_advisory_xact_lock(_SEAL_LOCK))).scalar_one():
        db.session.rollback()
        return 0
    n, previous = _head()
    rows = db.session.execute(_unsealed().limit(BATCH)).mappings().all()
    seals = []
    for row in rows:
        n, previous = n + 1, _chained(previous, dict(row))
        seals.append({"n": n, "entry_id": row["id"], "seal": previous})
    if seals:
        db.session.execute(insert(AuditSeal), seals)
    db.session.commit()
    return len(seals)


def seal_waiting() -> int:
    """Seal until nothing waits; returns how many rows were sealed."""
    sealed = total = seal_new()
    while sealed == BATCH:
        sealed = seal_new()
        total += sealed
    return total


def _head() -> tuple[int, bytes]:
    last = db.session.execute(select(_SEAL.c.n, _SEAL.c.seal).order_by(_SEAL.c.n.desc()).limit(1)).first()
    return (last.n, bytes(last.seal)) if last else (0, b"")


def _unsealed() -> Any:
    """Rows without a seal. A slow transaction may commit a low id late: look back past the highest sealed id."""
    sealed_to = select(func.coalesce(func.max(_SEAL.c.entry_id), 0)).scalar_subquery()
    missing = ~select(_SEAL.c.n).where(_SEAL.c.entry_id == _ENTRY.c.id).exists()
    return select(_ENTRY).where(_ENTRY.c.id > sealed_to - 100_000, missing).order_by(_ENTRY.c.id)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: rows checked, rows not yet sealed, and the first fault in words (None when all is well)."""

    checked: int
    unsealed: int
    fault: str | None


def verify() -> Verdict:
    """Re-compute the chain from the first row; stops at the first seal that does not fit."""
    previous, checked = b"", 0
    for seal in _sealed_rows():
        fault = _fault(seal, checked + 1, previous)
        if fault:
            return Verdict(checked, _count_unsealed(), fault)
        previous, checked = bytes(seal["seal"]), checked + 1
    return Verdict(checked, _count_unsealed(), None)


def _sealed_rows() -> Iterator[Any]:
    joined = _SEAL.outerjoin(_ENTRY, _SEAL.c.entry_id == _ENTRY.c.id)
    query = select(_SEAL.c.n, _SEAL.c.entry_id, _SEAL.c.seal, *_ENTRY.c).select_from(joined).order_by(_SEAL.c.n)
    yield from db.session.execute(query.execution_options(yield_per=BATCH)).mappings()


def _fault(seal: Any, expected_n: int, previous: bytes) -> str | None:
    if seal["n"] != expected_n:
        return f"seal {expected_n} is missing"
    if seal["id"] is None:
        return f"audit entry {seal['entry_id']} was deleted"
    row = {column.name: seal[column.name] for column in _ENTRY.c}
    if not hmac.compare_digest(_chained(previous, row), bytes(seal["seal"])):
        return f"audit entry {seal['entry_id']} was changed or moved"
    return None


def _count_unsealed() -> int:
    missing = ~select(_SEAL.c.n).where(_SEAL.c.entry_id == _ENTRY.c.id).exists()
    return db.session.execute(select(func.count()).select_from(_ENTRY).where(missing)).scalar_one()


def checkpoint() -> dict[str, Any]:
    """Head of the chain, to be kept on another machine or on paper: it shows truncation and a rebuilt chain."""
    n, seal = _head()
    return {"n": n, "seal": seal.hex(), "entries": db.session.execute(select(func.count(_ENTRY.c.id))).scalar_one()}
