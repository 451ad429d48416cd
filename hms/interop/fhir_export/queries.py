"""Rows for the export: final records of active patients, with their FHIR ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, case, func, or_, select

from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription
from hms.core.db.session import db
from hms.interop.models import SourceRecord
from hms.patients.models import Allergy, Patient
from hms.staff.models import Role, User

CHUNK = 500
_PATIENT, _USER, _VISIT, _SOURCE = (model.__table__ for model in (Patient, User, Encounter, SourceRecord))


def _name(table: Table, kind: str, label: str) -> ColumnElement[str]:
    """The FHIR id: "Patient/123" from the source, else "Patient/hms-7" with the record's id; NULL without a row."""
    own = func.coalesce(table.c.external_id, func.concat(f"{kind}/hms-", table.c.id))
    return case((table.c.id.is_not(None), own)).label(label)


def _select_with_identifiers(table: Table, kind: str) -> Select:
    joined = table.outerjoin(_SOURCE, _SOURCE.c.external_id == table.c.external_id)
    return select(*table.c, _name(table, kind, "name"), _SOURCE.c.identifiers).select_from(joined)


def _select_of_patient(table: Table, kind: str, *, clinician: str | None = None) -> Select:
    """Rows with the FHIR ids of patient, visit and clinician; without rows of unsigned visits."""
    columns = [*table.c, _name(table, kind, "name"), _name(_PATIENT, "Patient", "patient")]
    joined = table.join(_PATIENT, (_PATIENT.c.id == table.c.patient_id) & (_PATIENT.c.status == "active"))
    is_final: ColumnElement[bool] = table.c.id.is_not(None)
    if "encounter_id" in table.c:
        joined = joined.outerjoin(_VISIT, (_VISIT.c.id == table.c.encounter_id) & (_VISIT.c.status == "signed"))
        columns.append(_name(_VISIT, "Encounter", "visit"))
        is_final = or_(table.c.encounter_id.is_(None), _VISIT.c.id.is_not(None))
    if clinician:
        joined = joined.outerjoin(_USER, _USER.c.id == table.c[clinician])
        columns.append(_name(_USER, "Practitioner", "clinician"))
        columns += [_USER.c.title.label("clinician_title"), _USER.c.first_name, _USER.c.last_name]
    return select(*columns).select_from(joined).where(is_final)


def queries() -> dict[str, tuple[Table, Select]]:
    """The table and the query of every resource type, in the order of the import."""
    tables = {
        "Condition": Condition.__table__,
        "AllergyIntolerance": Allergy.__table__,
        "MedicationRequest": Prescription.__table__,
        "Immunization": Immunization.__table__,
        "Observation": Observation.__table__,
    }
    queries_of = {
        kind: _select_of_patient(table, kind) for kind, table in tables.items() if kind != "MedicationRequest"
    }
    orders = tables["MedicationRequest"]
    queries_of["MedicationRequest"] = _select_of_patient(orders, "MedicationRequest", clinician="prescriber_id").where(
        orders.c.status.not_in(("draft", "entered_in_error"))
    )
    for kind in ("Condition", "AllergyIntolerance"):
        queries_of[kind] = queries_of[kind].where(tables[kind].c.status != "entered_in_error")
    visits = _select_of_patient(_VISIT, "Encounter", clinician="doctor_id").where(_VISIT.c.status == "signed")
    return {
        "Patient": (_PATIENT, _select_with_identifiers(_PATIENT, "Patient").where(_PATIENT.c.status == "active")),
        "Practitioner": (_USER, _select_with_identifiers(_USER, "Practitioner").where(_is_practitioner())),
        "Encounter": (_VISIT, visits),
        **{kind: (table, queries_of[kind]) for kind, table in tables.items()},
    }


def _is_practitioner() -> ColumnElement[bool]:
    doctors = select(Role.id).where(Role.code == "doctor")
    orders = Prescription.__table__
    return or_(
        _USER.c.external_id.is_not(None),
        _USER.c.role_id.in_(doctors),
        _USER.c.id.in_(select(_VISIT.c.doctor_id)),
        _USER.c.id.in_(select(orders.c.prescriber_id)),
    )


def rows(table: Table, query: Select) -> Iterator[Row[Any]]:
    """The rows by id, a few hundred at a time."""
    last = 0
    while chunk := db.session.execute(query.where(table.c.id > last).order_by(table.c.id).limit(CHUNK)).all():
        yield from chunk
        last = chunk[-1].id
