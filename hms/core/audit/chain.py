"""Sealing the trail: each entry is checked for its signature and chained by a keyed hash; `verify` finds what does not fit.

Seal n = HMAC(AUDIT_KEY, seal n-1 + SHA-256 of the entry). Edited, deleted, moved and swapped entries break the chain;
an entry that the programs did not write has no right signature and is never sealed; a cut-off end is shown by a
checkpoint kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, literal_column, select, text

from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db

from .models import AuditEntry, AuditSeal
from .recording import audit_key, signing_key

BATCH_SIZE = 2000
_MAX_LATE_IDS = 100_000
"""Ids that a slow transaction may bring late; further back only `verify` looks."""

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


def _has_right_signature(row: Any) -> bool:
    """Whether the entry was written with a ticket of ours; `row` has the texts of `_SIGNED_COLUMNS`, ticket and signature."""
    if not row["ticket"] or row["signature"] is None:
        return False
    said = _SEPARATOR.join(_NULL_MARK if part is None else part for part in row["said"]).encode()
    signed = signing_key(row["ticket"]) + hashlib.sha256(said).hexdigest()
    return hmac.compare_digest(hashlib.sha256(signed.encode()).digest(), bytes(row["signature"]))


def seal_batch(after: int = 0) -> tuple[int, int | None]:
    """Chain the entries that are not yet sealed; how many, and the last one looked at when there may be more.

    One sealer at a time, writers are not held up. Entries without a right signature are left out.
    """
    db.session.execute(text("SET LOCAL statement_timeout = '60s'"))
    if not advisory_locks.try_acquire(AdvisoryLock.SEAL):
        db.session.rollback()
        return 0, None
    n, previous = _last_seal()
    rows = db.session.execute(_select_recent_unsealed(after).limit(BATCH_SIZE)).mappings().all()
    seals = []
    for row in rows:
        if _has_right_signature(row):
            n, previous = n + 1, _next_seal(previous, {name: row[name] for name in _SEALED_COLUMNS})
            seals.append({"n": n, "entry_id": row["id"], "seal": previous})
    if seals:
        db.session.execute(insert(AuditSeal), seals)
    db.session.commit()
    return len(seals), rows[-1]["id"] if len(rows) == BATCH_SIZE else None


def seal_pending() -> int:
    """Seal until nothing waits; returns how many entries were sealed."""
    total, after = seal_batch()
    while after is not None:
        sealed, after = seal_batch(after)
        total += sealed
    return total


def _last_seal() -> tuple[int, bytes]:
    last = db.session.execute(select(_SEAL.c.n, _SEAL.c.seal).order_by(_SEAL.c.n.desc()).limit(1)).first()
    return (last.n, bytes(last.seal)) if last else (0, b"")


def _select_unsealed() -> Any:
    said = literal_column(f"ARRAY[{_SIGNED_COLUMNS}]").label("said")
    missing = ~select(_SEAL.c.n).where(_SEAL.c.entry_id == _ENTRY.c.id).exists()
    return select(*_ENTRY.c, said).where(missing).order_by(_ENTRY.c.id)


def _select_recent_unsealed(after: int) -> Any:
    """Entries without a seal after the id `after`, from a little before the highest sealed one."""
    sealed_to = select(func.coalesce(func.max(_SEAL.c.entry_id), 0)).scalar_subquery()
    return _select_unsealed().where(_ENTRY.c.id > func.greatest(sealed_to - _MAX_LATE_IDS, after))


@dataclass(frozen=True)
class VerificationResult:
    """What `verify` found: entries checked, entries not yet sealed, and the first fault in words (None when all is well)."""

    checked: int
    unsealed: int
    fault: str | None


def verify(checkpoint: dict[str, Any] | None = None) -> VerificationResult:
    """Re-compute the chain from the first entry; stops at the first that does not fit.

    `checkpoint` is one that was taken earlier and kept elsewhere: the chain must still hold it.
    """
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    checked, fault = _check_seals(checkpoint)
    if fault:
        return VerificationResult(checked, 0, fault)
    if checkpoint is not None and checkpoint["n"] > checked:
        return VerificationResult(
            checked, 0, f"the end is cut off: entries {checked + 1} to {checkpoint['n']} are gone"
        )
    unsealed, foreign = _check_unsealed()
    return VerificationResult(checked, unsealed, foreign)


def _check_seals(checkpoint: dict[str, Any] | None) -> tuple[int, str | None]:
    """How many seals fit, from the first on, and what is wrong with the one after them."""
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
    with db.session.execute(query.execution_options(yield_per=BATCH_SIZE)) as found:
        yield from found.mappings()


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
    """How many entries wait for their seal, and the first that none of our programs wrote."""
    waiting, foreign = 0, None
    for row in db.session.execute(_select_unsealed().execution_options(yield_per=BATCH_SIZE)).mappings():
        waiting += 1
        if foreign is None and not _has_right_signature(row):
            foreign = f"audit entry {row['id']} was not written by the hospital's programs"
    return waiting, foreign


def checkpoint() -> dict[str, Any]:
    """Head of the chain, to be kept on another machine or on paper: it shows truncation and a rebuilt chain."""
    n, seal = _last_seal()
    return {"n": n, "seal": seal.hex(), "entries": db.session.execute(select(func.count(_ENTRY.c.id))).scalar_one()}
