"""Every submit is safe to repeat: the same key gives the first answer again, and the work is done once.

A page form carries the key in the hidden field `once`; it is another key at another address, since buttons of one form may
post to several. A program sends the header `Idempotency-Key` (IETF draft "The Idempotency-Key HTTP Header Field"). The key
is claimed inside the action's own transaction, so that of two simultaneous submits one waits for the other and then gets
its answer.
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
    """A claimed key with the answer that was given; kept for two days."""

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
    """The key was claimed by an earlier submit; `answer` is the stored response, None while it is pending."""

    def __init__(self, answer: IdempotencyKey | None) -> None:
        super().__init__("already done")
        self.answer = answer


class IdempotencyKeyReused(DomainError):
    """The key was used for something else."""

    status = 422
    code = "idempotency_key_reused"


def request_key() -> str | None:
    """The key this request carries, if any."""
    key = request.headers.get("Idempotency-Key")
    if not key and not request.is_json and (mark := request.form.get("once")):
        key = f"{mark} {request.path}"
    if key and not key.isprintable():
        raise RuleBroken(N_("An idempotency key is made of characters that can be printed."), "Idempotency-Key")
    return key[:MAX_KEY_LENGTH] if key else None


def request_fingerprint() -> str:
    """What the request asks for. A page's form is told apart by key and address: Back and resubmit gives the first answer."""
    if not request.path.startswith("/api/"):
        return request.path
    return hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).hexdigest()


def claim_key(by: Any) -> None:
    """Claim the request's key for the transaction under way; raises `DuplicateRequest` or `IdempotencyKeyReused`."""
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
    """The first answer, when this request repeats one that was answered; called before the view runs."""
    if person_id is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    key = request_key()
    earlier = _find_earlier(person_id, key) if key else None
    return replay(earlier) if earlier is not None and earlier.status else None


def wait_for_response(earlier: IdempotencyKey | None) -> IdempotencyKey | None:
    """The row once its answer is written: the first submit committed an instant ago, its answer follows within moments."""
    db.session.rollback()
    for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        if earlier is None or earlier.status is not None:
            break
        time.sleep(pause)
        earlier = db.session.get(IdempotencyKey, earlier.id, populate_existing=True)
        db.session.rollback()
    return earlier


def replay(earlier: IdempotencyKey | None) -> Response:
    """Give the first answer again; `Conflict` when the first submit is still under way."""
    if earlier is None or earlier.status is None:
        raise Conflict(N_("This is already being saved. Wait a moment, then check again."), code="in_progress")
    answer = Response(earlier.body, earlier.status, content_type=earlier.content_type)
    if earlier.location:
        answer.headers["Location"] = earlier.location
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def store_response(response: Response) -> Response:
    """Keep the answer beside the claimed key. A refusal gives the key back: what is put right may be sent under it again."""
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
    """A refused form is shown again on a page whose reading goes into the trail, and that reading claimed the key."""
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.id == claim_id))
    db.session.commit()


def delete_expired() -> int:
    """Drop keys older than two days; returns how many."""
    gone = db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.claimed_at < clock.now() - RETENTION))
    db.session.commit()
    return gone.rowcount
