"""Reads of the audit trail: filtered, newest first, a page after an id. They stay fast with millions of entries.

A filter with several patients, people or actions becomes one index scan for each, and the results are merged. Days become
bounds of ids, so that every index can be used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import g
from sqlalchemy import ColumnElement, Select, false, or_, select, union_all

from hms.core.api import read_log
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db
from hms.core.text.cleaning import escape_like, is_only_punctuation
from hms.core.web.parameters import Bounds
from hms.patients.identity.columns import PATIENT_COLUMNS
from hms.patients.models import Patient
from hms.staff import directory as staff

from . import masking

ENTRY = AuditEntry.__table__.c
SHOWN = tuple(column for column in AuditEntry.__table__.c if column.name not in ("ticket", "signature"))
MAX_FILTERED = 8
"""The largest number of people or patients in one filter."""
_OUT_OF_ORDER = 1000
"""How far ids and times may be out of order: entries written at the same moment may have them in a different order."""


@dataclass(frozen=True)
class AuditFilter:
    """The filters of the audit trail; None and blank mean any. Days are in hospital time, both included.

    `before` shows only entries with a lower id; `words` is text in a recorded value.
    """

    day_from: date | None = None
    day_to: date | None = None
    actor_ids: tuple[int, ...] | None = None
    patient_ids: tuple[int, ...] | None = None
    actions: tuple[str, ...] | None = None
    outcome: str | None = None
    entity: str | None = None
    entity_id: int | None = None
    is_emergency: bool = False
    words: str = ""
    before: int | None = None


def entries(filters: AuditFilter, limit: int) -> list[Any]:
    """At most `limit` entries, newest first, as rows of `SHOWN`."""
    if filters.actor_ids == () or filters.patient_ids == () or filters.actions == ():
        return []
    scans = [scan.order_by(ENTRY.id.desc()).limit(limit) for scan in _split(filters, _bounds(filters))]
    ids = union_all(*(select(scan.subquery()) for scan in scans)) if len(scans) > 1 else scans[0]
    shown = select(*SHOWN).where(ENTRY.id.in_(ids))
    return list(db.session.execute(shown.order_by(ENTRY.id.desc()).limit(limit)))


def _split(filters: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> list[Select]:
    """Queries of ids: one for each patient, else each person, else each action, so that each reads one index in order."""
    for name in ("patient_ids", "actor_ids", "actions"):
        values = getattr(filters, name)
        if values is not None and len(values) > 1:
            return [_ids(replace(filters, **{name: (value,)}), bounds) for value in values]
        if values is not None:
            break
    return [_ids(filters, bounds)]


def query(filters: AuditFilter) -> Select:
    """All matching entries as one query, newest first, for lists with page numbers."""
    return select(*SHOWN).where(*_conditions(filters, _bounds(filters))).order_by(ENTRY.id.desc())


def _ids(filters: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> Select:
    return select(ENTRY.id).where(*_conditions(filters, bounds))


def _conditions(filters: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> list[ColumnElement[bool]]:
    conditions = [*bounds, *_id_and_action_conditions(filters)]
    if filters.outcome == "success":
        conditions.append(ENTRY.outcome == "success")
    elif filters.outcome is not None:
        conditions.append(ENTRY.outcome != "success")
    if filters.entity is not None:
        conditions.append(ENTRY.entity == filters.entity)
    if filters.entity_id is not None:
        conditions.append(ENTRY.entity_id == filters.entity_id)
    if filters.is_emergency:
        conditions.append(ENTRY.purpose.is_not(None))
    if filters.words:
        conditions.append(_contains_text(filters.words))
    return conditions


def _id_and_action_conditions(filters: AuditFilter) -> list[ColumnElement[bool]]:
    values_of = (
        (ENTRY.actor_id, filters.actor_ids),
        (ENTRY.patient_id, filters.patient_ids),
        (ENTRY.action, filters.actions),
    )
    return [
        column == values[0] if len(values) == 1 else column.in_(values)
        for column, values in values_of
        if values is not None
    ]


def _contains_text(text: str) -> ColumnElement[bool]:
    """The condition that a recorded value contains `text`. Hidden clinical values are not searched."""
    if is_only_punctuation(text):
        return false()
    pattern = f"%{escape_like(text)}%"
    is_visible = ENTRY.entity.is_(None) | ENTRY.entity.not_in(sorted(masking.CLINICAL_TABLES))
    return is_visible & or_(*(masking.as_text(values).ilike(pattern, escape="\\") for values in (ENTRY.new, ENTRY.old)))


def _bounds(filters: AuditFilter) -> tuple[ColumnElement[bool], ...]:
    """The days and `before` as bounds of ids, together with the exact times."""
    bounds: list[ColumnElement[bool]] = [ENTRY.id < filters.before] if filters.before is not None else []
    days = Bounds.of_days(filters.day_from, filters.day_to)
    start, end = days.first, days.end
    if start is None and end is None:
        return tuple(bounds)
    first, last = db.session.execute(select(_first_since(start), _last_until(end))).one()
    if start is not None:
        bounds += [ENTRY.recorded_at >= start, ENTRY.id >= (first or 0) - _OUT_OF_ORDER if first else ENTRY.id < 0]
    if end is not None:
        bounds += [ENTRY.recorded_at < end, ENTRY.id <= last + _OUT_OF_ORDER if last else ENTRY.id < 0]
    return tuple(bounds)


def _first_since(start: Any) -> Any:
    first = select(ENTRY.id).order_by(ENTRY.recorded_at).limit(1)
    return (first.where(ENTRY.recorded_at >= start) if start is not None else first).scalar_subquery()


def _last_until(end: Any) -> Any:
    last = select(ENTRY.id).order_by(ENTRY.recorded_at.desc()).limit(1)
    return (last.where(ENTRY.recorded_at < end) if end is not None else last).scalar_subquery()


def record_trail_read(filters: AuditFilter, patient_ids: Iterable[int | None]) -> None:
    """Record that the signed-in person read the audit trail: of the one patient in the filter, else the number of patients
    of the rows that were shown (`patient_ids`). Commits."""
    shown = set(patient_ids) - {None}
    g.listed_patients = len(shown)
    if filters.patient_ids is not None and len(filters.patient_ids) == 1:
        read_log.record_read("admin.read_trail", filters.patient_ids[0], entity="audit_entry")
        return
    read_log.record_list_read("admin.read_trail", len(shown), entity="audit_entry")


@dataclass(frozen=True)
class Names:
    """The names to show: full names by account id, patients (columns of `PATIENT_COLUMNS`) by id."""

    people: dict[int, str]
    patients: dict[int, Any]


def names(rows: Iterable[Any]) -> Names:
    """The names of the people and patients in these entries, with two queries."""
    rows = list(rows)
    account_ids = {row.entity_id for row in rows if row.entity == "app_user"} | {row.actor_id for row in rows}
    people = staff.display_names({account_id for account_id in account_ids if account_id is not None})
    patient_ids = {row.patient_id for row in rows if row.patient_id is not None}
    patients = db.session.execute(select(*PATIENT_COLUMNS).where(Patient.id.in_(patient_ids))) if patient_ids else ()
    return Names(people, {patient.id: patient for patient in patients})
