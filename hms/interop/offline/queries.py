"""Offline entries: the records they created, and the refused ones not yet settled."""

from __future__ import annotations

from sqlalchemy import Select, select

from hms.core.db.session import db
from hms.interop.models import OfflineEntry


def get_entry(user_id: int, model: str, key: str) -> OfflineEntry | None:
    """The person's entry with the device's key; None when there is none."""
    return db.session.scalars(select(OfflineEntry).filter_by(user_id=user_id, model=model, key=key)).one_or_none()


def saved_record_id(user_id: int, model: str, key: str) -> int | None:
    """The id of the record that was created for the entry; None when it is new or was refused."""
    query = select(OfflineEntry.record_id).filter_by(user_id=user_id, model=model, key=key)
    return db.session.scalars(query).one_or_none()


def refused_entries(user_id: int, before: int | None = None) -> Select[tuple[OfflineEntry]]:
    """The person's refused entries that are not done, newest first; with `before`, only those with a lower id."""
    is_open = OfflineEntry.record_id.is_(None) & OfflineEntry.settled_at.is_(None)
    query = select(OfflineEntry).where(OfflineEntry.user_id == user_id, is_open)
    if before is not None:
        query = query.where(OfflineEntry.id < before)
    return query.order_by(OfflineEntry.id.desc())
