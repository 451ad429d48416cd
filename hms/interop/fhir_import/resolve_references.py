"""Resolves FHIR references to record ids, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from hms.clinical.models import Encounter
from hms.core.db.session import db
from hms.core.text.translation import N_
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.references import Reference
from hms.interop.models import SourceRecord
from hms.interop.own_ids import OwnIds
from hms.patients.models import Patient
from hms.staff.models import User

_TABLES = {"Patient": Patient.__table__, "Encounter": Encounter.__table__, "Practitioner": User.__table__}
_SOURCE = SourceRecord.__table__
Ids = dict[Reference, tuple[int, str]]


def without_display(ref: Reference) -> Reference:
    """The reference without its display text."""
    return ref._replace(display="")


def resolve(refs: Iterable[Reference], own: OwnIds) -> Ids:
    """The id and the status of the record for every known reference; for a merged patient those of the remaining one."""
    wanted = {without_display(ref) for ref in refs}
    names = {ref: ref.external_id for ref in wanted if ref.external_id}
    names |= by_identifier([ref for ref in wanted if not ref.external_id and ref.identifier])
    resolved: Ids = {}
    for kind in {ref.kind for ref in names}:
        ids = _ids(kind, {name for ref, name in names.items() if ref.kind == kind}, own)
        resolved |= {ref: ids[name] for ref, name in names.items() if ref.kind == kind and name in ids}
    return resolved


def by_identifier(refs: list[Reference]) -> dict[Reference, str]:
    """External ids by identifier; an ambiguous identifier is left out."""
    if not refs:
        return {}
    wanted = cast([ref.identifier for ref in refs], ARRAY(Text))
    first_name = func.coalesce(SourceRecord.same_as, SourceRecord.external_id)
    rows = db.session.execute(
        select(first_name, SourceRecord.identifiers).where(SourceRecord.identifiers.overlap(wanted))
    ).all()
    carriers: dict[tuple[str, str], list[str]] = {}
    for name, identifiers in rows:
        for identifier in identifiers:
            carriers.setdefault((name.partition("/")[0], identifier), []).append(name)
    named = {ref: carriers.get((ref.kind, ref.identifier), []) for ref in refs}
    return {ref: names[0] for ref, names in named.items() if len(set(names)) == 1}


def _ids(kind: str, names: set[str], own: OwnIds) -> dict[str, tuple[int, str]]:
    table = _TABLES[kind]
    record_id: Any = table.c.id
    state: Any = literal("")
    if kind == "Patient":
        record_id, state = func.coalesce(table.c.merged_into_id, table.c.id), table.c.status
    here = {number: name for name in names if (number := own_number(own, name)) is not None}
    ids = {}
    for key, wanted in ((table.c.external_id, names), (table.c.id, set(here))):
        rows = db.session.execute(select(key, record_id, state).where(key.in_(wanted))) if wanted else ()
        ids |= {here.get(found, found): (number, status) for found, number, status in rows}
    if kind == "Patient" and (unknown := names - ids.keys()):
        ids |= _ids_of_other_names(table, unknown, record_id, state)
    return ids


def _ids_of_other_names(table: Any, names: set[str], record_id: Any, state: Any) -> dict[str, tuple[int, str]]:
    """The ids of people who were imported first by another resource."""
    joined = table.join(_SOURCE, _SOURCE.c.same_as == table.c.external_id)
    query = select(_SOURCE.c.external_id, record_id, state).select_from(joined)
    rows = db.session.execute(query.where(_SOURCE.c.external_id.in_(names)))
    return {name: (number, status) for name, number, status in rows}


def own_number(own: OwnIds, name: str) -> int | None:
    """The record's number in the name of an own record; None for another."""
    record = own.record(name)
    return record[1] if record is not None and not record[0] else None


def with_ids(values: dict[str, Any], ids: Ids) -> dict[str, Any]:
    """`values` with ids for references. `InvalidResource` when the patient is unknown; other unknown references are left out."""
    made = {}
    for name, value in values.items():
        if not isinstance(value, Reference):
            made[name] = value
        elif name == "patient_id":
            made[name] = _patient_id(value, ids)
        elif (known := ids.get(without_display(value))) is not None:
            made[name] = known[0]
    return {name: value for name, value in made.items() if not (value is None and name in _OPTIONAL)}


_OPTIONAL = ("encounter_id", "doctor_id", "prescriber_id")


def _patient_id(ref: Reference, ids: Ids) -> int:
    patient = ids.get(without_display(ref))
    if patient is None:
        message = N_("it is about %(whom)s, who is neither in these files nor in the hospital.")
        raise InvalidResource(message, whom=str(ref).partition(" ")[0][:100] if ref.external_id else str(ref)[:100])
    if patient[1] == "withdrawn":
        raise InvalidResource(N_("the record of its patient was withdrawn here."))
    return patient[0]
