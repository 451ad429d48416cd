"""Reading the trail: filtered, newest first, a page after an id. Quick at millions of entries.

Every filter that names things (patients, people, actions) becomes one short walk down an index for each thing named, and
the walks are merged; days become bounds of ids, so that every index serves them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, union_all

from hms.core import clock
from hms.core.api import read_log
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db
from hms.core.text.cleaning import escape_like, is_only_punctuation
from hms.patients.identity.columns import WHO
from hms.patients.models import Patient
from hms.staff import directory as staff

from . import masking

ENTRY = AuditEntry.__table__.c
SHOWN = tuple(column for column in AuditEntry.__table__.c if column.name not in ("ticket", "signature"))
MAX_NAMED = 8
"""So many people or patients of one name are looked for at once."""
_OUT_OF_ORDER = 1000
"""Entries written at the same moment may have their ids and their times in another order."""


@dataclass(frozen=True)
class AuditFilter:
    """What is asked of the trail; None or nothing means any. Days are hospital days, both included.

    `before` is the id after which an older page begins, `words` something that stands in a recorded value.
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


def entries(wanted: AuditFilter, limit: int) -> list[Any]:
    """At most `limit` entries, newest first, as rows of `SHOWN`."""
    if wanted.actor_ids == () or wanted.patient_ids == () or wanted.actions == ():
        return []
    walks = [one.order_by(ENTRY.id.desc()).limit(limit) for one in _split(wanted, _within_ids(wanted))]
    found = union_all(*(select(walk.subquery()) for walk in walks)) if len(walks) > 1 else walks[0]
    shown = select(*SHOWN).where(ENTRY.id.in_(found))
    return list(db.session.execute(shown.order_by(ENTRY.id.desc()).limit(limit)))


def _split(wanted: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> list[Select]:
    """Ids: one query for each patient, or each person, or each action that is named, so that each finds them in order."""
    for name in ("patient_ids", "actor_ids", "actions"):
        named = getattr(wanted, name)
        if named is not None and len(named) > 1:
            return [_ids(replace(wanted, **{name: (one,)}), bounds) for one in named]
        if named is not None:
            break
    return [_ids(wanted, bounds)]


def query(wanted: AuditFilter) -> Select:
    """All that fits as one query, newest first; for those who page by number."""
    return select(*SHOWN).where(*_conditions(wanted, _within_ids(wanted))).order_by(ENTRY.id.desc())


def _ids(wanted: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> Select:
    return select(ENTRY.id).where(*_conditions(wanted, bounds))


def _conditions(wanted: AuditFilter, bounds: tuple[ColumnElement[bool], ...]) -> list[ColumnElement[bool]]:
    conditions = [*bounds, *_named(wanted)]
    if wanted.outcome == "success":
        conditions.append(ENTRY.outcome == "success")
    elif wanted.outcome is not None:
        conditions.append(ENTRY.outcome != "success")
    if wanted.entity is not None:
        conditions.append(ENTRY.entity == wanted.entity)
    if wanted.entity_id is not None:
        conditions.append(ENTRY.entity_id == wanted.entity_id)
    if wanted.is_emergency:
        conditions.append(ENTRY.purpose.is_not(None))
    if wanted.words:
        conditions.append(_says(wanted.words))
    return conditions


def _named(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    named = ((ENTRY.actor_id, wanted.actor_ids), (ENTRY.patient_id, wanted.patient_ids), (ENTRY.action, wanted.actions))
    return [
        column == values[0] if len(values) == 1 else column.in_(values)
        for column, values in named
        if values is not None
    ]


def _says(words: str) -> ColumnElement[bool]:
    """That a value holds `words`; what was written in care is not searched, as it is not shown."""
    if is_only_punctuation(words):
        return false()
    pattern = f"%{escape_like(words)}%"
    open_kinds = ENTRY.entity.is_(None) | ENTRY.entity.not_in(sorted(masking.WRITTEN_IN_CARE))
    return open_kinds & or_(*(masking.as_text(values).ilike(pattern, escape="\\") for values in (ENTRY.new, ENTRY.old)))


def _within_ids(wanted: AuditFilter) -> tuple[ColumnElement[bool], ...]:
    """The asked days and the asked place as bounds of ids beside the exact times."""
    bounds: list[ColumnElement[bool]] = [ENTRY.id < wanted.before] if wanted.before is not None else []
    start = clock.day_bounds(wanted.day_from)[0] if wanted.day_from else None
    end = clock.day_bounds(wanted.day_to)[1] if wanted.day_to else None
    if start is None and end is None:
        return tuple(bounds)
    first, last = db.session.execute(select(_first_since(start), _last_until(end))).one()
    if start is not None:
        bounds += [ENTRY.recorded_at >= start, ENTRY.id >= (first or 0) - _OUT_OF_ORDER if first else ENTRY.id < 0]
    if end is not None:
        bounds += [ENTRY.recorded_at < end, ENTRY.id <= last + _OUT_OF_ORDER if last else ENTRY.id < 0]
    return tuple(bounds)


def _first_since(start: Any) -> Any:
    found = select(ENTRY.id).order_by(ENTRY.recorded_at).limit(1)
    return (found.where(ENTRY.recorded_at >= start) if start is not None else found).scalar_subquery()


def _last_until(end: Any) -> Any:
    found = select(ENTRY.id).order_by(ENTRY.recorded_at.desc()).limit(1)
    return (found.where(ENTRY.recorded_at < end) if end is not None else found).scalar_subquery()


def note_read(wanted: AuditFilter, rows: Iterable[Any]) -> None:
    """The trail has who looked at it: about which patient, where it was asked about one, else how many it named."""
    if wanted.patient_ids is not None and len(wanted.patient_ids) == 1:
        read_log.note("admin.read_trail", wanted.patient_ids[0], entity="audit_entry")
        return
    named = {row.patient_id for row in rows if row.patient_id is not None}
    read_log.note_rows("admin.read_trail", len(named), entity="audit_entry")


@dataclass(frozen=True)
class Names:
    """Who and whose: full names by account id, patients (as `WHO`) by id."""

    people: dict[int, str]
    patients: dict[int, Any]


def names(rows: Iterable[Any]) -> Names:
    """The names behind the ids of these entries, in two queries."""
    rows = list(rows)
    accounts = {row.entity_id for row in rows if row.entity == "app_user"}
    people = staff.display_names({one for one in accounts | {row.actor_id for row in rows} if one is not None})
    whose = {row.patient_id for row in rows if row.patient_id is not None}
    found = db.session.execute(select(*WHO).where(Patient.id.in_(whose))) if whose else ()
    return Names(people, {row.id: row for row in found})
