"""What this hospital has of the resources in a batch: own records, and records of earlier imports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from hms.clinical.models import VitalsReading
from hms.core.db.session import db
from hms.interop.models import SourceRecord
from hms.interop.own_ids import RESULT, VITALS, OwnIds
from hms.lab.models import LabResult
from hms.patients.models import Patient

from .resource_types import ResourceType
from .sources import BASE_NAME

_SOURCE = SourceRecord.__table__
_TABLES = {VITALS: VitalsReading.__table__, RESULT: LabResult.__table__}


def own_records(kind: ResourceType, names: list[str], own: OwnIds) -> set[str]:
    """The names of this hospital's own records that are still here."""
    wanted = {name: record for name in names if (record := own.record(name)) is not None}
    here: set[str] = set()
    for letter in {letter for letter, _number in wanted.values()}:
        table = _TABLES.get(letter, kind.table)
        ids = {number for its_letter, number in wanted.values() if its_letter == letter}
        found = set(db.session.scalars(select(table.c.id).where(table.c.id.in_(ids))))
        here |= {name for name, record in wanted.items() if record[0] == letter and record[1] in found}
    return here


def load(kind: ResourceType, names: list[str]) -> dict[str, Any]:
    """The records by name, with what was last imported (`said`, `resource`)."""
    table = kind.table
    joined = table.outerjoin(_SOURCE, _SOURCE.c.external_id == table.c.external_id)
    query = select(*table.c, _SOURCE.c.said, _SOURCE.c.resource).select_from(joined)
    rows = db.session.execute(query.where(table.c.external_id.in_(names)))
    return {row.external_id: row for row in rows}


def same_patient(kind: ResourceType, patients: dict[str, int]) -> dict[str, str]:
    """By type and id the names of records that were imported under another source's name, about the same patient.

    `patients` are the ids of the patients by type and id.
    """
    if not patients or "patient_id" not in kind.table.c:
        return {}
    table = kind.table
    joined = table.join(_SOURCE, _SOURCE.c.external_id == table.c.external_id)
    query = select(BASE_NAME, table.c.external_id, table.c.patient_id).select_from(joined)
    rows = db.session.execute(query.where(BASE_NAME.in_(list(patients))))
    return {base: name for base, name, patient_id in rows if patients[base] == patient_id}


def said_by_same_person(names: list[str]) -> dict[str, dict[str, Any]]:
    """What resources said at the last import whose person was imported first by another resource."""
    query = select(_SOURCE.c.external_id, _SOURCE.c.said).where(_SOURCE.c.same_as.is_not(None))
    return {name: said for name, said in db.session.execute(query.where(_SOURCE.c.external_id.in_(names)))}


def names_by_identifier(kind: ResourceType, identifiers: list[str]) -> dict[str, set[str]]:
    """By identifier the names of the records that have it."""
    wanted = cast(identifiers, ARRAY(Text))
    first_name = func.coalesce(_SOURCE.c.same_as, _SOURCE.c.external_id)
    query = select(first_name, _SOURCE.c.identifiers).where(_SOURCE.c.identifiers.overlap(wanted))
    found: dict[str, set[str]] = {}
    for name, its_identifiers in db.session.execute(query.where(first_name.startswith(f"{kind.name}/"))):
        for identifier in its_identifiers:
            found.setdefault(identifier, set()).add(name)
    return found


def is_merged(before: int, now: int) -> bool:
    """Whether the patient `before` is the same as `now`, or was merged into it."""
    merged = select(Patient.merged_into_id).where(Patient.id == before)
    return before == now or db.session.execute(merged).scalar_one() == now
