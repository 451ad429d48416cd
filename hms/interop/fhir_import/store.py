"""Writes a batch of resources: inserts new ones, and applies changes of the source since the last import."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from hms.clinical.models import Encounter
from hms.core import gapless_numbers
from hms.core.actions import action_context
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.constraint_messages import domain_error_for
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.core.settings import store as settings_store
from hms.core.text.translation import N_
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import Reference
from hms.interop.models import SourceRecord
from hms.patients.identity import hospital_numbers

from . import identity, previous, resolve_references
from .items import ImportItem, name_by_source
from .resource_types import ResourceType
from .sources import Sources

_SOURCE = SourceRecord.__table__
_ENCOUNTER = Encounter.__table__
_NEVER_COMPARED = ("doctor_id",)
OTHER_PERSON = N_(
    "its name, birth or sex is another than that of the record with this id. Nothing was changed. If it is the same person, "
    "correct the record here; if it comes from another source, import it with --source NAME."
)
OTHER_PATIENT = N_(
    "the record with this id is another patient's. Nothing was changed. If it comes from another source, import it with "
    "--source NAME."
)


OTHER_WITH_IDENTIFIER = N_(
    "its name, birth or sex is another than that of the record with this identifier. Nothing was changed. If it is the same "
    "person, correct the record here; if not, correct the identifier where it comes from."
)
SEVERAL_PEOPLE = N_(
    "its identifiers are those of several records here. Nothing was changed. Correct the identifiers where it comes from."
)


def store(kind: ResourceType, items: list[ImportItem], sources: Sources) -> None:
    """Write the items in one transaction and set their outcomes; one that fails does not stop the others."""
    with action_context("interop.import_fhir", SYSTEM):
        advisory_locks.acquire(AdvisoryLock.IMPORT)
        if "patient_id" in kind.table.c:
            name_by_source(items, sources)
        _resolve(kind, items, sources)
        _load_previous_state(kind, items, sources)
        waiting = [item for item in items if not item.outcome]
        if not _write_together(kind, waiting):
            for item in waiting:
                _write_alone(kind, item)
        _remember_text([item for item in items if item.outcome == "unchanged" and item.said and not item.is_text_known])
        _follow_up(kind, items)


def _resolve(kind: ResourceType, items: list[ImportItem], sources: Sources) -> None:
    refs = [value for item in items for value in (item.values or {}).values() if isinstance(value, Reference)]
    ids = resolve_references.resolve(refs, sources.own)
    for item in items:
        if item.outcome:
            continue
        try:
            item.values = resolve_references.with_ids(item.values, ids) if item.values is not None else None
        except InvalidResource as error:
            item.skip(str(error))
    _check_patients(kind, items)


def _check_patients(kind: ResourceType, items: list[ImportItem]) -> None:
    """Skip items that refer to an encounter of another patient."""
    named = [item for item in items if item.values and item.values.get("encounter_id") and not item.outcome]
    ids = {item.values["encounter_id"] for item in named if item.values}
    owners = dict(
        db.session.execute(select(_ENCOUNTER.c.id, _ENCOUNTER.c.patient_id).where(_ENCOUNTER.c.id.in_(ids))).all()
    )
    for item in named:
        if item.values and owners[item.values["encounter_id"]] != item.values["patient_id"]:
            item.skip(N_("its encounter is another patient's; correct the reference where it comes from."))


def _load_previous_state(kind: ResourceType, items: list[ImportItem], sources: Sources) -> None:
    """Load the records and values of the last import, and compare."""
    own = previous.own_records(kind, [item.external_id for item in items], sources.own)
    rows = previous.load(kind, [item.external_id for item in items])
    missing = [item for item in items if item.external_id not in rows and item.values and not item.outcome]
    patients = {
        item.base_name: item.values["patient_id"] for item in missing if item.values and "patient_id" in item.values
    }
    names = previous.same_patient(kind, patients)
    for item in missing:
        item.external_id = names.get(item.base_name, item.external_id)
    rows |= previous.load(kind, [item.external_id for item in missing])
    if kind.name == "Patient":
        rows |= _find_same_people(kind, [item for item in missing if item.external_id not in rows])
    for item in items:
        row = rows.get(item.external_id)
        if row is not None:
            item.record_id = row.id
        if row is not None and item.same_as is None:
            item.said, item.is_text_known = row.said, row.resource == item.text
        if item.external_id in own:
            item.outcome = "unchanged"
        if not item.outcome:
            _compare(kind, item, row)


def _find_same_people(kind: ResourceType, items: list[ImportItem]) -> dict[str, Any]:
    """The records of people who were imported first under another id, by the names of `items`: they share an identifier,
    that is its system and its value. Items whose identifiers are of several people are skipped."""
    wanted = {item.external_id: [text for text in item.identifiers if not text.startswith("|")] for item in items}
    known = previous.names_by_identifier(kind, sorted({text for texts in wanted.values() for text in texts}))
    said = previous.said_by_same_person(list(wanted))
    for item in items:
        names = {name for text in wanted[item.external_id] for name in known.get(text, ())}
        if len(names) > 1:
            item.skip(SEVERAL_PEOPLE)
        elif names:
            item.same_as, item.said = names.pop(), said.get(item.external_id)
    rows = previous.load(kind, [item.same_as for item in items if item.same_as])
    return {item.external_id: rows[item.same_as] for item in items if item.same_as in rows}


def _compare(kind: ResourceType, item: ImportItem, row: Any) -> None:
    if item.values is None:
        _compare_taken_back(kind, item)
        return
    if item.record_id is None:
        return
    before = item.said or {}
    item.changes = {
        name: value
        for name, value in item.values.items()
        if name not in _NEVER_COMPARED and before.get(name, _SOURCE) != plain(value)
    }
    if item.changes and kind.name in ("Patient", "Practitioner"):
        stored = _stored(row, item)
        if identity.contradicts(stored, item.values):
            item.skip(OTHER_PERSON if item.same_as is None else OTHER_WITH_IDENTIFIER)
            return
        item.changes = identity.keep_known(stored, item.values, item.changes)
    if item.same_as is not None and item.said is None:
        item.changes = identity.only_unknown(row._mapping, item.changes)
        return
    if not item.changes:
        item.outcome = "unchanged"
    elif "patient_id" in item.changes and not previous.is_merged(row.patient_id, item.changes["patient_id"]):
        item.skip(OTHER_PATIENT)
    elif kind.is_final and item.changes.keys() - {"status"}:
        item.skip(N_("it changed where it comes from, but a signed visit is final here; it was left as it is."))


def _stored(row: Any, item: ImportItem) -> dict[str, Any]:
    """The stored values; where the source says what it said before, a correction made here is no contradiction."""
    values = item.values or {}
    return row._asdict() | {name: value for name, value in values.items() if name not in item.changes}


def _compare_taken_back(kind: ResourceType, item: ImportItem) -> None:
    if item.record_id is None:
        item.skip(N_("it was entered in error where it comes from."))
    elif kind.has_status:
        item.changes = {"status": "entered_in_error"}
        if (item.said or {}).get("status") == "entered_in_error":
            item.outcome = "unchanged"
    elif "patient_id" not in kind.table.c:
        item.skip(N_("it was entered in error where it comes from; withdraw the record here if that is right."))


def plain(value: Any) -> Any:
    """A value in the form stored in `SourceRecord.said`."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value.normalize()) if isinstance(value, Decimal) else value


def _write(kind: ResourceType, items: list[ImportItem]) -> None:
    new = [item for item in items if item.record_id is None]
    if new:
        db.session.execute(insert(kind.table), _rows(kind, new))
        for item in new:
            item.outcome = "created"
    for item in items:
        if not item.outcome:
            _change(kind, item)
    _remember([item for item in items if item.values is not None or item.changes])


def _rows(kind: ResourceType, items: list[ImportItem]) -> list[dict[str, Any]]:
    """Full rows for a bulk insert: all have the same columns."""
    names = {name for item in items for name in item.values or {}}
    rows = [
        {name: (item.values or {}).get(name) for name in names} | {"external_id": item.external_id} for item in items
    ]
    if kind.name == "Patient":
        prefix = settings_store.value("patients.number_prefix")
        for row, n in zip(rows, gapless_numbers.reserve_numbers("patient", len(rows)), strict=True):
            row |= {"number": n, "hospital_number": hospital_numbers.format_hospital_number(n, prefix)}
    return rows


def _change(kind: ResourceType, item: ImportItem) -> None:
    table = kind.table
    if item.values is None and not item.changes:
        db.session.execute(delete(table).where(table.c.id == item.record_id))
        db.session.execute(delete(_SOURCE).where(_SOURCE.c.external_id == item.external_id))
        item.outcome = "updated"
        return
    row = db.session.execute(select(table).where(table.c.id == item.record_id).with_for_update()).mappings().one()
    fresh = {name: value for name, value in item.changes.items() if row[name] != value}
    item.outcome = "updated" if fresh else "unchanged"
    if fresh:
        counted = {"version": table.c.version + 1} if "version" in table.c else {}
        db.session.execute(update(table).where(table.c.id == item.record_id).values(fresh | counted))


def _remember(items: list[ImportItem]) -> None:
    if not items:
        return
    rows = [
        {
            "external_id": item.external_id,
            "said": (item.said or {}) | {name: plain(value) for name, value in (item.values or item.changes).items()},
            "identifiers": item.identifiers,
            "resource": item.text,
            "same_as": item.same_as,
        }
        for item in items
    ]
    new = upsert(_SOURCE)
    updated = {name: new.excluded[name] for name in ("said", "identifiers", "resource")} | {"imported_at": func.now()}
    db.session.execute(new.on_conflict_do_update(index_elements=["external_id"], set_=updated), rows)


def _remember_text(items: list[ImportItem]) -> None:
    """Keep the whole resource also where nothing changed that is stored in columns."""
    for item in items:
        if item.values is not None:
            db.session.execute(
                update(_SOURCE).where(_SOURCE.c.external_id == item.external_id).values(resource=item.text)
            )


def _write_together(kind: ResourceType, items: list[ImportItem]) -> bool:
    """Write all items together; False when that fails."""
    try:
        with db.session.begin_nested():
            _write(kind, items)
    except DBAPIError:
        return False
    return True


def _write_alone(kind: ResourceType, item: ImportItem) -> None:
    item.outcome = ""
    try:
        with db.session.begin_nested():
            _write(kind, [item])
    except DBAPIError as error:
        refusal = domain_error_for(error)
        item.skip(str(refusal) if refusal else N_("the database refused it."))


def _follow_up(kind: ResourceType, items: list[ImportItem]) -> None:
    if kind.after_items is not None:
        kind.after_items([item for item in items if item.outcome != "skipped" and not item.is_text_known])
    if kind.after_store is None:
        return
    written = [item.external_id for item in items if item.outcome in ("created", "updated")]
    if written:
        patient_ids = select(kind.table.c.patient_id).where(kind.table.c.external_id.in_(written))
        kind.after_store(set(db.session.scalars(patient_ids)))
