"""Seals the audit trail: checks each entry's signature and chains the entries by a keyed hash; `verify` finds changes.

Seal n = HMAC(AUDIT_KEY, seal n-1 + SHA-256 of the entry). Edited, deleted, moved and swapped entries break the chain;
an entry that HMS did not write has no valid signature and is never sealed; a checkpoint stored elsewhere shows whether
entries were cut off at the end.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, literal_column, select, text

from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db

from .models import AuditEntry, AuditSeal
from .recording import audit_key, signing_key

BATCH_SIZE = 2000
_MAX_LATE_IDS = 100_000
"""How far below the highest sealed id a slow transaction may still add an entry; only `verify` checks older ids."""

_ENTRY = AuditEntry.__table__
_SEAL = AuditSeal.__table__
_SEALED_COLUMNS = tuple(column.name for column in _ENTRY.c if column.name not in ("ticket", "signature"))
_SIGNED_COLUMNS = (
    "id::text, extract(epoch FROM recorded_at)::text, action, outcome, actor_id::text, actor_name, actor_role, ip::text, "
    "session_id::text, request_id, entity, entity_id::text, patient_id::text, purpose, old::text, new::text"
)
"""What the database signs, in this order (`hms_sign`, migration 0015)."""
_NULL_MARK, _SEPARATOR = "\x1e", "\x1f"


def _next_seal(previous: bytes, row: dict[str, Any]) -> bytes:
    body = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
    return hmac.new(audit_key(), previous + hashlib.sha256(body).digest(), hashlib.sha256).digest()


def _has_valid_signature(row: Any) -> bool:
    """Whether HMS signed the entry; `row` has `signed_texts` (`_SIGNED_COLUMNS`), `ticket` and `signature`."""
    if not row["ticket"] or row["signature"] is None:
        return False
    texts = _SEPARATOR.join(_NULL_MARK if part is None else part for part in row["signed_texts"]).encode()
    signed = signing_key(row["ticket"]) + hashlib.sha256(texts).hexdigest()
    return hmac.compare_digest(hashlib.sha256(signed.encode()).digest(), bytes(row["signature"]))


def seal_batch(after: int = 0) -> tuple[int, int | None]:
    """Seal up to `BATCH_SIZE` entries with ids above `after`. Returns how many were sealed, and the last id read when there
    may be more (else None).

    Only one process seals at a time; writers do not wait. Entries without a valid signature are not sealed. Commits.
    """
    db.session.execute(text("SET LOCAL statement_timeout = '60s'"))
    if not advisory_locks.try_acquire(AdvisoryLock.SEAL):
        db.session.rollback()
        return 0, None
    n, previous = _last_seal()
    rows = db.session.execute(_select_recent_unsealed(after).limit(BATCH_SIZE)).mappings().all()
    seals = []
    for row in rows:
        if _has_valid_signature(row):
            n, previous = n + 1, _next_seal(previous, {name: row[name] for name in _SEALED_COLUMNS})
            seals.append({"n": n, "entry_id": row["id"], "seal": previous})
    if seals:
        db.session.execute(insert(AuditSeal), seals)
    db.session.commit()
    return len(seals), rows[-1]["id"] if len(rows) == BATCH_SIZE else None


@cache
def is_unsealed() -> ColumnElement[bool]:
    """The condition that there are entries after the last sealed one. Entries of slow transactions may have lower ids."""
    sealed_to = select(func.coalesce(func.max(_SEAL.c.entry_id), 0)).scalar_subquery()
    return exists().where(_ENTRY.c.id > sealed_to)


def seal_pending() -> int:
    """Seal all entries that have no seal; returns how many were sealed."""
    total, after = seal_batch()
    while after is not None:
        sealed, after = seal_batch(after)
        total += sealed
    return total


def _last_seal() -> tuple[int, bytes]:
    last = db.session.execute(select(_SEAL.c.n, _SEAL.c.seal).order_by(_SEAL.c.n.desc()).limit(1)).first()
    return (last.n, bytes(last.seal)) if last else (0, b"")


def _select_unsealed() -> Any:
    signed_texts = literal_column(f"ARRAY[{_SIGNED_COLUMNS}]").label("signed_texts")
    missing = ~select(_SEAL.c.n).where(_SEAL.c.entry_id == _ENTRY.c.id).exists()
    return select(*_ENTRY.c, signed_texts).where(missing).order_by(_ENTRY.c.id)


def _select_recent_unsealed(after: int) -> Any:
    """Entries without a seal after the id `after`, from a little before the highest sealed one."""
    sealed_to = select(func.coalesce(func.max(_SEAL.c.entry_id), 0)).scalar_subquery()
    return _select_unsealed().where(_ENTRY.c.id > func.greatest(sealed_to - _MAX_LATE_IDS, after))


@dataclass(frozen=True)
class VerificationResult:
    """The result of `verify`: entries checked, entries not yet sealed, and the first fault as a sentence (None: no fault)."""

    checked: int
    unsealed: int
    fault: str | None


def verify(checkpoint: dict[str, Any] | None = None) -> VerificationResult:
    """Compute the chain again from the first entry; stops at the first fault.

    `checkpoint` was taken earlier and stored elsewhere: the chain must still contain its seal.
    """
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    checked, fault = _check_seals(checkpoint)
    if fault:
        return VerificationResult(checked, 0, fault)
    if checkpoint is not None and checkpoint["n"] > checked:
        return VerificationResult(
            checked, 0, f"the end is cut off: entries {checked + 1} to {checkpoint['n']} are gone"
        )
    unsealed, fault = _check_unsealed()
    return VerificationResult(checked, unsealed, fault)


def _check_seals(checkpoint: dict[str, Any] | None) -> tuple[int, str | None]:
    """The number of valid seals from the first on, and the fault of the next one (None when all are valid)."""
    previous, checked = b"", 0
    with closing(_sealed_rows()) as rows:
        for seal in rows:
            fault = _seal_fault(seal, checked + 1, previous) or _checkpoint_fault(checkpoint, seal)
            if fault:
                return checked, fault
            previous, checked = bytes(seal["seal"]), checked + 1
    return checked, None


def _sealed_rows() -> Generator[Any, None, None]:
    joined = _SEAL.outerjoin(_ENTRY, _SEAL.c.entry_id == _ENTRY.c.id)
    entry = (_ENTRY.c[name] for name in _SEALED_COLUMNS)
    query = select(_SEAL.c.n, _SEAL.c.entry_id, _SEAL.c.seal, *entry).select_from(joined).order_by(_SEAL.c.n)
    with db.session.execute(query.execution_options(yield_per=BATCH_SIZE)) as result:
        yield from result.mappings()


def _seal_fault(seal: Any, expected_n: int, previous: bytes) -> str | None:
    if seal["n"] != expected_n:
        return f"seal {expected_n} is missing"
    if seal["id"] is None:
        return f"audit entry {seal['entry_id']} was deleted"
    row = {name: seal[name] for name in _SEALED_COLUMNS}
    if not hmac.compare_digest(_next_seal(previous, row), bytes(seal["seal"])):
        return f"audit entry {seal['entry_id']} was changed or moved"
    return None


def _checkpoint_fault(checkpoint: dict[str, Any] | None, seal: Any) -> str | None:
    if checkpoint is None or seal["n"] != checkpoint["n"] or bytes(seal["seal"]).hex() == checkpoint["seal"]:
        return None
    return f"the chain was rebuilt: seal {seal['n']} is not that of the checkpoint"


def _check_unsealed() -> tuple[int, str | None]:
    """The number of entries without a seal, and the first of them that HMS did not write."""
    count, fault = 0, None
    for row in db.session.execute(_select_unsealed().execution_options(yield_per=BATCH_SIZE)).mappings():
        count += 1
        if fault is None and not _has_valid_signature(row):
            fault = f"audit entry {row['id']} was not written by the hospital's programs"
    return count, fault


def find_seal(action: str, entity: str, entity_id: int) -> dict[str, Any] | None:
    """The seal of the last entry of an action on a record: its number `n` and `seal` (hex); None until it is sealed."""
    entry = select(_ENTRY.c.id).where(
        _ENTRY.c.entity == entity, _ENTRY.c.entity_id == entity_id, _ENTRY.c.action == action
    )
    newest = entry.order_by(_ENTRY.c.id.desc()).limit(1).scalar_subquery()
    row = db.session.execute(select(_SEAL.c.n, _SEAL.c.seal).where(_SEAL.c.entry_id == newest)).first()
    return {"n": row.n, "seal": bytes(row.seal).hex()} if row else None


def checkpoint() -> dict[str, Any]:
    """The newest seal: `n`, `seal` (hex) and the number of entries. Stored elsewhere, it shows truncation or a rebuilt chain."""
    n, seal = _last_seal()
    return {"n": n, "seal": seal.hex(), "entries": db.session.execute(select(func.count(_ENTRY.c.id))).scalar_one()}
