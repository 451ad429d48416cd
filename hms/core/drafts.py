"""Drafts of unfinished forms. They are stored on the server for seven days; only the person who typed them sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, UniqueConstraint, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from . import clock
from .db.fixed_words import fixed_number
from .db.models import UnauditedRecord
from .db.session import db
from .errors import RuleBroken
from .text.translation import N_

RETENTION = timedelta(days=7)
MAX_LENGTH = 1_000_000


class Draft(UnauditedRecord):
    """One person's unfinished form. `form` names it, e.g. "encounter:88"."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("person_id", "form"),)

    person_id: Mapped[int]
    form: Mapped[str]
    content: Mapped[dict] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())


def save_draft(person_id: int, form: str, content: dict[str, Any]) -> Draft:
    """Store `content` as the person's draft of `form`, replacing the earlier one. Commits.

    `RuleBroken` when it is longer than `MAX_LENGTH` characters.
    """
    if len(str(content)) > MAX_LENGTH:
        raise RuleBroken(N_("This is too long to save as a draft. Shorten it."))
    row = insert(Draft).values(person_id=person_id, form=form, content=content, saved_at=clock.now())
    upsert = row.on_conflict_do_update(
        index_elements=[Draft.person_id, Draft.form],
        set_={"content": row.excluded.content, "saved_at": row.excluded.saved_at, "version": Draft.version + 1},
    )
    draft = db.session.scalars(upsert.returning(Draft), execution_options={"populate_existing": True}).one()
    db.session.commit()
    return draft


def update_draft(person_id: int, form: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Draft:
    """Replace the draft's content by `change(content)`; content is {} when there is no draft, and {} deletes it. Commits.

    The draft's row is locked meanwhile, so that two open pages do not overwrite each other. `RuleBroken` as for
    `save_draft`.
    """
    first = insert(Draft).values(person_id=person_id, form=form, content={}, saved_at=clock.now())
    db.session.execute(first.on_conflict_do_nothing(index_elements=[Draft.person_id, Draft.form]))
    draft = _lock_draft(person_id, form)
    content = change(draft.content)
    if len(str(content)) > MAX_LENGTH:
        if not draft.content:
            db.session.delete(draft)  # the request may have saved more, which stays
        raise RuleBroken(N_("This is too long to save as a draft. Shorten it."))
    draft.content, draft.version, draft.saved_at = content, draft.version + 1, clock.now()
    if not content:
        db.session.delete(draft)
    db.session.commit()
    return draft


def belongs_to_other(person_id: int | None, form: str) -> bool:
    """Whether another person has a draft of `form`; for forms whose names contain a random part."""
    query = select(Draft.id).where(Draft.form == form, Draft.person_id != person_id).limit(1)
    return db.session.execute(query).first() is not None


def prune_draft(person_id: int, form: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Replace a draft's content by `change(content)` and delete the draft when that is {}. The caller commits."""
    draft = _lock_draft(person_id, form)
    if draft is None:
        return
    draft.content = change(draft.content)
    if not draft.content:
        db.session.delete(draft)
    db.session.flush()


def _lock_draft(person_id: int, form: str) -> Draft | None:
    query = select(Draft).filter_by(person_id=person_id, form=form).with_for_update()
    return db.session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def get_draft(person_id: int, form: str) -> Draft | None:
    """The person's own draft of `form`, or None."""
    return db.session.execute(_select_own(), {"person_id": person_id, "form": form}).scalar_one_or_none()


@cache
def _select_own() -> Select:
    person_id, form = bindparam("person_id"), bindparam("form")
    return select(Draft).where(Draft.person_id == person_id, Draft.form == form)


def recent_drafts(person_id: int, limit: int = 5) -> list[Draft]:
    """The person's drafts, newest first."""
    return list(db.session.execute(_select_newest(), {"person_id": person_id, "limit": limit}).scalars())


@cache
def _select_newest() -> Select:
    person_id, limit = bindparam("person_id"), fixed_number("limit")
    return select(Draft).where(Draft.person_id == person_id).order_by(Draft.saved_at.desc()).limit(limit)


def drafts_of_kind(person_id: int, kind: str, limit: int) -> list[Any]:
    """The person's drafts of forms named "kind:…", newest first: `form`, `content`, `saved_at`."""
    return list(
        db.session.execute(
            _select_kind(kind=kind), {"person_id": person_id, "since": clock.now() - RETENTION, "limit": limit}
        )
    )


@cache
def _select_kind(*, kind: str) -> Select:
    person_id, since, limit = bindparam("person_id"), bindparam("since"), fixed_number("limit")
    drafts = select(Draft.form, Draft.content, Draft.saved_at)
    of_kind = drafts.where(Draft.person_id == person_id, Draft.form.startswith(f"{kind}:", autoescape=True))
    return of_kind.where(Draft.saved_at >= since).order_by(Draft.saved_at.desc()).limit(limit)


def discard(person_id: int, form: str) -> None:
    """Delete a draft that the person does not want to continue. Commits."""
    delete_draft(person_id, form)
    db.session.commit()


def delete_draft(person_id: int, form: str) -> None:
    """Delete a draft whose content is now saved in a record. The caller commits."""
    db.session.execute(delete(Draft).filter_by(person_id=person_id, form=form))


def delete_expired() -> int:
    """Delete drafts older than seven days; returns how many. Commits."""
    result = db.session.execute(delete(Draft).where(Draft.saved_at < clock.now() - RETENTION))
    db.session.commit()
    return result.rowcount
