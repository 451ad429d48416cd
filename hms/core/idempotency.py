"""Idempotency keys: a repeated submit does the work once and gets the first response again.

A page form sends the key in the hidden field `once`; the path is part of the key, because buttons of one form may post to
several addresses. A program sends the header `Idempotency-Key` (IETF draft "The Idempotency-Key HTTP Header Field").

The key, the work and the response are committed together: the transaction of the request's first action stays open until
its response is made. So a process that is killed leaves either all of them or none, and a repeat gets the first response
or does the work. Of two simultaneous submits the second waits, then gets the response of the first.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Response, g, has_app_context, has_request_context, request
from sqlalchemy import UniqueConstraint, delete, event, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from . import clock
from .db.models import UnauditedRecord
from .db.session import db
from .errors import Conflict, DomainError, RuleBroken
from .text.translation import N_

MAX_KEY_LENGTH = 200
RETENTION = timedelta(days=2)
MAX_WORK_TIME = timedelta(minutes=2)
"""The process of a claim without a response is gone after this time."""


class IdempotencyKey(UnauditedRecord):
    """A claimed key with its response; kept for two days."""

    __tablename__ = "once_key"
    __table_args__ = (UniqueConstraint("person_id", "key"),)

    person_id: Mapped[int]
    key: Mapped[str]
    fingerprint: Mapped[str]
    claimed_at: Mapped[Any] = mapped_column(db.DateTime(timezone=True))
    status: Mapped[int | None]
    location: Mapped[str | None]
    body: Mapped[str | None]
    content_type: Mapped[str | None]


class DuplicateRequest(Exception):
    """An earlier submit claimed the key; `answer` is its row, whose `status` is None while its response is pending.

    `answer` is None when the earlier submit released the key meanwhile.
    """

    def __init__(self, answer: IdempotencyKey | None) -> None:
        super().__init__("already done")
        self.answer = answer


class IdempotencyKeyReused(DomainError):
    """The key was already used for another request: 422."""

    status = 422
    code = "idempotency_key_reused"


def request_key() -> str | None:
    """The key of this request, or None. `RuleBroken` when it has characters that cannot be printed."""
    key = request.headers.get("Idempotency-Key")
    if not key and not request.is_json and (form_key := request.form.get("once")):
        key = f"{form_key} {request.path}"
    if key and not key.isprintable():
        raise RuleBroken(N_("Use only printable characters in the idempotency key."), "Idempotency-Key")
    return key[:MAX_KEY_LENGTH] if key else None


def request_fingerprint() -> str:
    """Tells two requests with the same key apart: the path of a page's form, a hash of path and body for the API.

    The content of a page's form is left out: going back and submitting again gets the first response.
    """
    if not request.path.startswith("/api/"):
        return request.path
    return hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).hexdigest()


@dataclass
class Claim:
    """The key that this request claimed, in the transaction that stays open until the response is made."""

    id: int
    is_open: bool = True
    """Whether the transaction of the claim is still open. A commit before the response ends it."""
    has_work: bool = False
    """Whether an action was completed in the open transaction."""
    after_commit_steps: dict[Hashable, Callable[[], None]] = field(default_factory=dict)


class WorkUndone(Exception):
    """The work of a completed action was rolled back, but the response would say that it was done."""


def claim_key(by: Any) -> None:
    """Claim the request's key in the running transaction; raises `DuplicateRequest` or `IdempotencyKeyReused`."""
    if not has_request_context() or by.id is None or "claim" in g or "claims_at_end" in g:
        return
    key = request_key() if request.method not in ("GET", "HEAD", "OPTIONS") else None
    if key is None:
        return
    g.has_key = True
    row = {"person_id": by.id, "key": key, "fingerprint": request_fingerprint(), "claimed_at": clock.now()}
    claimed = db.session.execute(
        pg_insert(IdempotencyKey).values(row).on_conflict_do_nothing().returning(IdempotencyKey.id)
    )
    claim_id = claimed.scalar_one_or_none()
    if claim_id is None:
        raise DuplicateRequest(_find_earlier(by.id, key))
    g.claim = Claim(claim_id)


def claim_key_at_end(by: Any) -> None:
    """Claim this request's key only when its response is stored: each part of the request commits under a key of its own,
    so a repeat does nothing twice."""
    g.claims_at_end = by.id


def commit_claim() -> None:
    """Commit the claim with the work so far, before the request waits for another machine: no transaction stays open.

    A repeat meanwhile gets the `Conflict` "in progress".
    """
    if open_claim() is not None:
        db.session.commit()


def open_claim() -> Claim | None:
    """The claim of this request while its transaction is open, else None."""
    claim: Claim | None = g.get("claim") if has_app_context() else None
    return claim if claim is not None and claim.is_open else None


@event.listens_for(db.session, "after_commit")
def _note_commit(session: Session) -> None:
    claim = open_claim()
    if claim is not None and session.get_nested_transaction() is None:
        claim.is_open = False


@event.listens_for(db.session, "after_soft_rollback")
def _note_rollback(_session: Session, ended: SessionTransaction) -> None:
    """A rolled-back claim is gone: the next action of the request claims the key anew."""
    claim = open_claim()
    if claim is not None and not ended.nested:
        g.is_work_undone = claim.has_work
        del g.claim


def _find_earlier(person_id: int, key: str) -> IdempotencyKey | None:
    earlier = db.session.scalars(select(IdempotencyKey).filter_by(person_id=person_id, key=key)).one_or_none()
    if earlier is not None and earlier.fingerprint != request_fingerprint():
        raise IdempotencyKeyReused(N_("This Idempotency-Key was already used for another request. Send a new one."))
    return earlier


def replay_if_repeated(person_id: int | None) -> Response | None:
    """The stored response when this request repeats an earlier one, else None; called before the view runs."""
    if person_id is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    key = request_key()
    earlier = _find_earlier(person_id, key) if key else None
    return replay(earlier) if earlier is not None and earlier.status else None


def wait_for_response(earlier: IdempotencyKey | None) -> IdempotencyKey | None:
    """The row of the first submit, after a wait of at most 1.6 seconds for its response. The row may still have none.

    The first submit stores its response just after it commits.
    """
    db.session.rollback()
    for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        if earlier is None or earlier.status is not None:
            break
        time.sleep(pause)
        earlier = db.session.get(IdempotencyKey, earlier.id, populate_existing=True)
        db.session.rollback()
    return earlier


def replay(earlier: IdempotencyKey | None) -> Response:
    """The stored response; `Conflict` when the first submit has none yet, or lost it."""
    if earlier is not None and earlier.status is None and earlier.claimed_at < clock.now() - MAX_WORK_TIME:
        raise Conflict(
            N_("This was saved before, but its answer was lost. Open the record and check it; do not send this again."),
            code="answer_lost",
        )
    if earlier is None or earlier.status is None:
        raise Conflict(N_("This is already being saved. Wait a moment, then check again."), code="in_progress")
    response = Response(earlier.body, earlier.status, content_type=earlier.content_type)
    if earlier.location:
        response.headers["Location"] = earlier.location
    response.headers["Idempotent-Replayed"] = "true"
    return response


def store_response(response: Response) -> None:
    """Commit the request's work together with its key and this response; then run the steps after the commit.

    After an error the key is released, so that the corrected form may use it. After a 5xx nothing is committed. A response
    of 64 KiB or more, a streamed one, or one with a secret that is shown once is stored without its body.
    """
    _claim_at_end(response)
    claim: Claim | None = g.get("claim")
    if g.pop("is_work_undone", False) and response.status_code < 400:
        raise WorkUndone
    if claim is not None:
        try:
            _commit_with_response(claim, response)
        finally:
            g.pop("claim", None)
        for step in claim.after_commit_steps.values():
            step()


def _claim_at_end(response: Response) -> None:
    person_id = g.pop("claims_at_end", None)
    if person_id is None or response.status_code >= 400 or (key := request_key()) is None:
        return
    row = {"person_id": person_id, "key": key, "fingerprint": request_fingerprint(), "claimed_at": clock.now()}
    db.session.execute(pg_insert(IdempotencyKey).values(row | _stored_values(response)).on_conflict_do_nothing())
    db.session.commit()


def _commit_with_response(claim: Claim, response: Response) -> None:
    if response.status_code >= 500:
        if claim.is_open:
            claim.after_commit_steps.clear()
        db.session.rollback()
        return
    own_row = IdempotencyKey.id == claim.id
    if response.status_code >= 400:
        db.session.execute(delete(IdempotencyKey).where(own_row))
    else:
        db.session.execute(update(IdempotencyKey).where(own_row).values(_stored_values(response)))
    db.session.commit()


def _stored_values(response: Response) -> dict[str, Any]:
    is_short = response.content_length is not None and response.content_length < 65536
    has_body = is_short and not response.is_streamed and not g.get("is_shown_once")
    return {
        "status": response.status_code,
        "location": response.headers.get("Location"),
        "content_type": response.content_type,
        "body": response.get_data(as_text=True) if has_body else "",
    }


def delete_expired() -> int:
    """Delete keys older than two days; returns how many. Commits."""
    expired = IdempotencyKey.claimed_at < clock.now() - RETENTION
    result = db.session.execute(delete(IdempotencyKey).where(expired))
    db.session.commit()
    return result.rowcount
