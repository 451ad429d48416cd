"""Rows for the export: final records of active patients, with their FHIR ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, case, exists, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.billing.models import Bill, PrintedDocument
from hms.clinical.diagnoses.queries import is_withdrawn
from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription, VitalsReading
from hms.core.db.session import db
from hms.interop import own_ids
from hms.interop.models import SourceRecord
from hms.lab.models import LabOrder, LabResult
from hms.patients.models import (
    AddressArea,
    Allergy,
    Consent,
    ConsentKind,
    ConsentText,
    OtherPhone,
    Patient,
    Relative,
)
from hms.staff.models import Role, User

CHUNK = 500
_PATIENT, _USER, _VISIT, _SOURCE = (model.__table__ for model in (Patient, User, Encounter, SourceRecord))


_READING, _RESULT, _ORDER = VitalsReading.__table__, LabResult.__table__, LabOrder.__table__
_DOCUMENT, _BILL = PrintedDocument.__table__, Bill.__table__
_RELATIVE, _CONSENT = Relative.__table__, Consent.__table__
_KEPT = (_SOURCE.c.identifiers, _SOURCE.c.said, _SOURCE.c.resource)
_OTHER = _SOURCE.alias()


def _name(table: Table, kind: str, label: str) -> ColumnElement[str]:
    """The FHIR id: "Patient/123" from the source, else "Patient/hms-<code>-7" with the record's id; NULL without a row.

    Of several sources with the same id one keeps it; the records of the others have ids of this hospital.
    """
    own = func.concat(f"{kind}/hms-{own_ids.code()}-", table.c.id)
    base = func.split_part(table.c.external_id, " ", 1)
    is_taken = exists().where(
        func.split_part(_OTHER.c.external_id, " ", 1) == base, _OTHER.c.external_id < table.c.external_id
    )
    has_source = func.strpos(table.c.external_id, " ") > 0
    return case(
        (table.c.id.is_(None), None),
        (or_(table.c.external_id.is_(None), and_(has_source, is_taken)), own),
        else_=base,
    ).label(label)


def _select_with_source(table: Table, kind: str) -> Select:
    joined = table.outerjoin(_SOURCE, _SOURCE.c.external_id == table.c.external_id)
    return select(*table.c, _name(table, kind, "name"), *_KEPT).select_from(joined)


def _select_of_patient(table: Table, kind: str, *, clinician: str | None = None) -> Select:
    """Rows with the FHIR ids of patient, visit and clinician; without rows of unsigned visits."""
    columns = [*table.c, _name(table, kind, "name"), _name(_PATIENT, "Patient", "patient"), *_KEPT]
    joined = table.join(_PATIENT, (_PATIENT.c.id == table.c.patient_id) & (_PATIENT.c.status == "active"))
    joined = joined.outerjoin(_SOURCE, _SOURCE.c.external_id == table.c.external_id)
    is_final: ColumnElement[bool] = table.c.id.is_not(None)
    if "encounter_id" in table.c:
        joined = joined.outerjoin(_VISIT, (_VISIT.c.id == table.c.encounter_id) & (_VISIT.c.status == "signed"))
        columns.append(_name(_VISIT, "Encounter", "visit"))
        is_final = or_(table.c.encounter_id.is_(None), _VISIT.c.id.is_not(None))
    if clinician:
        joined = joined.outerjoin(_USER, _USER.c.id == table.c[clinician])
        columns.append(_name(_USER, "Practitioner", "clinician"))
        columns.append(func.split_part(_USER.c.external_id, " ", 1).label("clinician_source"))
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
    queries_of["Condition"] = queries_of["Condition"].where(~is_withdrawn())
    visits = _select_of_patient(_VISIT, "Encounter", clinician="doctor_id").where(_VISIT.c.status == "signed")
    return {
        "Patient": (_PATIENT, _patients()),
        "Practitioner": (_USER, _select_with_source(_USER, "Practitioner").where(_is_practitioner())),
        "Encounter": (_VISIT, visits),
        **{kind: (table, queries_of[kind]) for kind, table in tables.items()},
    }


def _patients() -> Select:
    """Patients with the path of their area, their further phones and their next of kin."""
    area = select(AddressArea.path).where(AddressArea.id == _PATIENT.c.area_id).scalar_subquery().label("area_path")
    query = _select_with_source(_PATIENT, "Patient").where(_PATIENT.c.status == "active")
    return query.add_columns(
        area,
        _rows_of_patient(OtherPhone, "number", "owner", "label").label("other_phones"),
        _rows_of_patient(Relative, "name", "relation", "phone").label("relatives"),
    )


def _rows_of_patient(model: Any, *names: str) -> Any:
    """The rows of a patient in another table as JSON, in the order of their ids; NULL without any."""
    pairs = [part for name in names for part in (name, getattr(model, name))]
    rows = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*pairs), model.id))
    return select(rows).where(model.patient_id == _PATIENT.c.id).scalar_subquery()


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


def vitals() -> tuple[Table, Select]:
    """This hospital's readings of vital signs."""
    return _READING, _of_patient(_READING).where(_READING.c.status == "final")


def lab_results() -> tuple[Table, Select]:
    """This hospital's laboratory results: of each value the last one that was entered."""
    later, earlier = _RESULT.alias(), _RESULT.alias()
    is_corrected = exists().where(_same_value(earlier), earlier.c.id < _RESULT.c.id).label("is_corrected")
    is_last = ~exists().where(_same_value(later), later.c.id > _RESULT.c.id)
    query = _of_patient(_RESULT, _ORDER, _RESULT.c.order_id == _ORDER.c.id).add_columns(is_corrected)
    return _RESULT, query.where(is_last)


def _same_value(other: Any) -> ColumnElement[bool]:
    return and_(other.c.order_id == _RESULT.c.order_id, other.c.code == _RESULT.c.code)


def relatives() -> tuple[Table, Select]:
    """The next of kin, with the FHIR id of the relative's own record while that is in use."""
    own = _PATIENT.alias("own_record")
    joined = _RELATIVE.join(_PATIENT, (_PATIENT.c.id == _RELATIVE.c.patient_id) & (_PATIENT.c.status == "active"))
    joined = joined.outerjoin(own, (own.c.id == _RELATIVE.c.record_id) & (own.c.status == "active"))
    query = select(*_RELATIVE.c, _name(_PATIENT, "Patient", "patient"), _name(own, "Patient", "record"))
    return _RELATIVE, query.select_from(joined)


def consents() -> tuple[Table, Select]:
    """What patients decided about consents, with the words; without what was entered in error."""
    words, kind = ConsentText.__table__, ConsentKind.__table__
    joined = _CONSENT.join(_PATIENT, (_PATIENT.c.id == _CONSENT.c.patient_id) & (_PATIENT.c.status == "active"))
    joined = joined.join(words, words.c.id == _CONSENT.c.text_id).join(kind, kind.c.id == words.c.kind_id)
    columns = (words.c.title, words.c.body, words.c.language, kind.c.name.label("kind_name"))
    query = select(*_CONSENT.c, *columns, _name(_PATIENT, "Patient", "patient")).select_from(joined)
    return _CONSENT, query.where(_CONSENT.c.status != "entered_in_error")


def documents() -> tuple[Table, Select]:
    """The documents that were made of bills, with their content."""
    joined = _DOCUMENT.join(_BILL, _BILL.c.id == _DOCUMENT.c.ref_id)
    joined = joined.join(_PATIENT, (_PATIENT.c.id == _BILL.c.patient_id) & (_PATIENT.c.status == "active"))
    query = select(*_DOCUMENT.c, _BILL.c.number.label("bill_number"), _name(_PATIENT, "Patient", "patient"))
    return _DOCUMENT, query.select_from(joined).where(_DOCUMENT.c.kind == "invoice")


def _of_patient(table: Table, holder: Any = None, condition: Any = None) -> Select:
    """Rows of `table` with the FHIR ids of the patient and of the visit when it is signed, by the columns of `holder`."""
    about = table if holder is None else holder
    joined = table if holder is None else table.join(holder, condition)
    joined = joined.join(_PATIENT, (_PATIENT.c.id == about.c.patient_id) & (_PATIENT.c.status == "active"))
    joined = joined.outerjoin(_VISIT, (_VISIT.c.id == about.c.encounter_id) & (_VISIT.c.status == "signed"))
    names = (_name(_PATIENT, "Patient", "patient"), _name(_VISIT, "Encounter", "visit"))
    return select(*table.c, *names).select_from(joined)
