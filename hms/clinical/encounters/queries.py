"""Reads of encounters: rows of columns for the API, records for pages and actions."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, false, select

from hms.appointments.models import QueueEntry
from hms.clinical.models import Addendum, Encounter, Prescription
from hms.core.db.session import db
from hms.core.errors import HiddenRecord, NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values
from hms.patients.lookup import NO_PATIENT, sees_withdrawn
from hms.patients.models import Patient

_ENCOUNTER = Encounter.__table__.c
_TEXTS = ("notes", "diagnosis", "chief_complaint", "plan", "no_diagnosis_reason")
PUBLIC = ("id", "patient_id", "appointment_id", "doctor_id", "created_at", "version", "status")
CLINICAL = (*PUBLIC, *_TEXTS, "follow_up_on", "started_at", "signed_at", "updated_at")


def may_read_clinical(who: Person) -> bool:
    """Whether the role of `who` may read notes and diagnoses; `patients.access` also checks each record."""
    return who.may(Permission.OPEN_CHART) or who.is_patient


def access_columns(may_read: bool, who: Person | Reader, patient_id: Any) -> tuple[Any, Any]:
    """Two columns: `is_readable`, and `is_emergency` when `who` reads it only by emergency access."""
    is_readable = policy.readable_by(who, patient_id) if may_read else false()
    return is_readable.label("is_readable"), policy.in_emergency(who, patient_id).label("is_emergency")


def select_encounters(*, kind: ReaderKind, may_read: bool) -> Select:
    """Select encounters that this kind of reader may list; `is_readable` marks those whose content they may read.

    A patient gets their own signed encounters. Execute it with `reader_values`.
    """
    return _encounters(may_read=may_read, who=kind.reader())


def _encounters(*, may_read: bool, who: Reader) -> Select:
    names, patient_id = CLINICAL if may_read else PUBLIC, _ENCOUNTER.patient_id
    query = select(*(_ENCOUNTER[name] for name in names), *access_columns(may_read, who, patient_id))
    query = query.where(_ENCOUNTER.status != "entered_in_error", *policy.visible_to(who, patient_id))
    return query.where(_ENCOUNTER.status == "signed") if who.is_patient else query


@cache
def _encounter(*, may_read: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    return _encounters(may_read=may_read, who=who).where(_ENCOUNTER.id == encounter_id)


def get_encounter_row(encounter_id: int, who: Person) -> Any:
    """One row of `select_encounters`; raises `NotFound`."""
    row = db.session.execute(
        _encounter(may_read=may_read_clinical(who), kind=reader_kind(who)),
        {"encounter_id": encounter_id} | reader_values(who),
    ).one_or_none()
    if row is None:
        raise not_found_error(Encounter, encounter_id, "No Encounter matches the given query.")
    return row


def not_found_error(model: type[Encounter | Prescription], record_id: int, message: str) -> NotFound:
    """The error for a missing and for a hidden record: the response is the same, the audit trail names the patient."""
    query = select(model.patient_id).where(model.id == record_id, model.status != "entered_in_error")
    patient_id = db.session.execute(query).scalar_one_or_none()
    return NotFound(message) if patient_id is None else HiddenRecord(message, patient_id)


def addenda_of(encounter_id: int) -> list[Addendum]:
    """Addenda of an encounter, oldest first."""
    return list(db.session.execute(_addenda_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _addenda_of() -> Select:
    encounter_id = bindparam("encounter_id")
    return select(Addendum).where(Addendum.encounter_id == encounter_id).order_by(Addendum.id)


def get_encounter(encounter_id: int, who: Person) -> Encounter:
    """The encounter as a record.

    Raises `NotFound` when it does not exist for `who` or was entered in error, `RecordRestricted` when `who` must give a
    reason first.
    """
    row = _check_access(
        db.session.execute(
            _encounter_record(with_patient=False, kind=reader_kind(who)),
            {"encounter_id": encounter_id} | reader_values(who),
        ).one_or_none(),
        encounter_id,
        who,
    )
    return row.Encounter


def get_encounter_with_patient(encounter_id: int, who: Person) -> tuple[Encounter, Patient]:
    """As `get_encounter`, with its patient."""
    row = _check_access(
        db.session.execute(
            _encounter_record(with_patient=True, kind=reader_kind(who)),
            {"encounter_id": encounter_id} | reader_values(who),
        ).one_or_none(),
        encounter_id,
        who,
    )
    if row.Patient.status != "active" and not (row.Patient.status == "withdrawn" and sees_withdrawn(who)):
        raise NotFound(NO_PATIENT)
    return row.Encounter, row.Patient


def _check_access(row: Any, encounter_id: int, who: Person) -> Any:
    if row is None:
        raise not_found_error(Encounter, encounter_id, N_("This encounter does not exist."))
    if not row.is_readable:
        raise policy.RecordRestricted(row.patient_id, who)
    if row.is_emergency:
        policy.mark_emergency_access()
    return row


@cache
def _encounter_record(*, with_patient: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    patient_id = Encounter.patient_id
    conditions = (Encounter.id == encounter_id, Encounter.status != "entered_in_error")
    query = select(Encounter, patient_id.label("patient_id"), *access_columns(True, who, patient_id)).where(
        *conditions, *policy.visible_to(who, patient_id)
    )
    query = query.add_columns(Patient).join(Patient, Patient.id == patient_id) if with_patient else query
    return query.execution_options(populate_existing=True)


def get_encounter_for_update(encounter_id: int, who: Person) -> Row:
    """Lock the encounter until the transaction ends; returns id, patient_id, doctor_id and status.

    Raises as `get_encounter`, but also returns an encounter that was entered in error.
    """
    row = db.session.execute(
        _encounter_for_update(kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
    ).one_or_none()
    return _check_access(row, encounter_id, who)


@cache
def _encounter_for_update(*, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    patient_id = _ENCOUNTER.patient_id
    columns = (
        _ENCOUNTER.id,
        patient_id,
        _ENCOUNTER.doctor_id,
        _ENCOUNTER.status,
        *access_columns(True, who, patient_id),
    )
    query = select(*columns).where(_ENCOUNTER.id == encounter_id, *policy.visible_to(who, patient_id))
    return query.with_for_update(of=Encounter.__table__)


def get_queue_entry(entry_id: int) -> tuple[QueueEntry, int | None]:
    """A queue entry and the id of its encounter, or None; raises `NotFound`."""
    entry = db.session.get(QueueEntry, entry_id)
    if entry is None:
        raise NotFound(N_("This queue entry does not exist."))
    encounter_ids = select(Encounter.id).where(
        Encounter.queue_entry_id == entry_id, Encounter.status != "entered_in_error"
    )
    return entry, db.session.scalars(encounter_ids).one_or_none()
