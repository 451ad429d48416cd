"""Idempotency keys: a repeated submit does the work once and gets the first response again.

A page form sends the key in the hidden field `once`; the path is part of the key, because buttons of one form may post to
several addresses. A program sends the header `Idempotency-Key` (IETF draft "The Idempotency-Key HTTP Header Field"). The
key is claimed inside the action's own transaction: of two simultaneous submits the second waits, then gets the response of
the first.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import Any

from flask import Response, g, has_request_context, request
from sqlalchemy import UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Mapped, mapped_column

from . import clock
from .db.models import UnauditedRecord
from .db.session import db
from .errors import Conflict, DomainError, RuleBroken
from .text.translation import N_

MAX_KEY_LENGTH = 200
RETENTION = timedelta(days=2)


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


def claim_key(by: Any) -> None:
    """Claim the request's key in the running transaction; raises `DuplicateRequest` or `IdempotencyKeyReused`."""
    if not has_request_context() or by.id is None or "once_claimed" in g:
        return
    key = request_key() if request.method not in ("GET", "HEAD", "OPTIONS") else None
    if key is None:
        return
    row = {"person_id": by.id, "key": key, "fingerprint": request_fingerprint(), "claimed_at": clock.now()}
    claimed = db.session.execute(
        pg_insert(IdempotencyKey).values(row).on_conflict_do_nothing().returning(IdempotencyKey.id)
    )
    claim_id = claimed.scalar_one_or_none()
    if claim_id is None:
        raise DuplicateRequest(_find_earlier(by.id, key))
    g.once_claimed = claim_id


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
    """The stored response; `Conflict` when the first submit has none yet."""
    if earlier is None or earlier.status is None:
        raise Conflict(N_("This is already being saved. Wait a moment, then check again."), code="in_progress")
    response = Response(earlier.body, earlier.status, content_type=earlier.content_type)
    if earlier.location:
        response.headers["Location"] = earlier.location
    response.headers["Idempotent-Replayed"] = "true"
    return response


def store_response(response: Response) -> Response:
    """Store the response with the claimed key. After an error the key is released, so that the corrected form may use it.

    A response of 64 KiB or more, or one with a secret that is shown once, is stored without its body.
    """
    claim_id = g.pop("once_claimed", None)
    if claim_id is None or response.status_code >= 500 or response.is_streamed:
        return response
    if response.status_code >= 400:
        _release_key(claim_id)
        return response
    is_short = response.content_length is not None and response.content_length < 65536 and not g.get("is_shown_once")
    values = {
        "status": response.status_code,
        "location": response.headers.get("Location"),
        "content_type": response.content_type,
        "body": response.get_data(as_text=True) if is_short else "",
    }
    db.session.execute(update(IdempotencyKey).where(IdempotencyKey.id == claim_id).values(values))
    db.session.commit()
    return response


def _release_key(claim_id: int) -> None:
    # The refused action rolled its claim back. Showing the form again may be recorded as a read, which claims the key anew.
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.id == claim_id))
    db.session.commit()


def delete_expired() -> int:
    """Delete keys older than two days; returns how many. Commits."""
    expired = IdempotencyKey.claimed_at < clock.now() - RETENTION
    result = db.session.execute(delete(IdempotencyKey).where(expired))
    db.session.commit()
    return result.rowcount
