"""Offline entries: the records they created, and the refused ones not yet settled."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, select

from hms.core.db.session import db
from hms.interop.models import OfflineEntry
from hms.patients.models import Patient


def saved_entry(user_id: int, model: str, key: str) -> OfflineEntry | None:
    """The person's saved entry with the device's key; None when it is new or was refused."""
    saved = select(OfflineEntry).filter_by(user_id=user_id, model=model, key=key)
    return db.session.scalars(saved.where(OfflineEntry.record_id.is_not(None))).one_or_none()


def refused_entry(user_id: int, model: str, key: str) -> OfflineEntry | None:
    """The newest of the person's refused entries with the device's key; None when there is none."""
    refused = select(OfflineEntry).filter_by(user_id=user_id, model=model, key=key, record_id=None)
    return db.session.scalars(refused.order_by(OfflineEntry.id.desc()).limit(1)).one_or_none()


def entry_with_fields(user_id: int, model: str, key: str, fingerprint: str) -> OfflineEntry | None:
    """The person's entry with the device's key and these fields; None when there is none."""
    query = select(OfflineEntry).filter_by(user_id=user_id, model=model, key=key, fingerprint=fingerprint)
    return db.session.scalars(query).one_or_none()


def patient_id_by_number(number: int) -> int | None:
    """The id of the patient with the running hospital number, for a merged record the one that is kept; None without one."""
    row = db.session.execute(_patient_where(Patient.number == number)).one_or_none()
    seen: set[int] = set()
    while row is not None and row.merged_into_id is not None and row.id not in seen:
        seen.add(row.id)
        row = db.session.execute(_patient_where(Patient.id == row.merged_into_id)).one_or_none()
    return row.id if row is not None else None


def _patient_where(condition: ColumnElement[bool]) -> Select[tuple[int, int | None]]:
    return select(Patient.id, Patient.merged_into_id).where(condition)


def refused_entries(user_id: int, before: int | None = None) -> Select[tuple[OfflineEntry]]:
    """The person's refused entries that are not done, newest first; with `before`, only those with a lower id."""
    is_open = OfflineEntry.record_id.is_(None) & OfflineEntry.settled_at.is_(None)
    query = select(OfflineEntry).where(OfflineEntry.user_id == user_id, is_open)
    if before is not None:
        query = query.where(OfflineEntry.id < before)
    return query.order_by(OfflineEntry.id.desc())
