"""Reads of encounters, as rows of columns and as records."""

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
from hms.patients.access.reader import Reader, ReaderKind, get_reader, reader_kind, reader_values
from hms.patients.lookup import NO_PATIENT
from hms.patients.models import Patient

_ENCOUNTER = Encounter.__table__.c
_TEXTS = ("notes", "diagnosis", "chief_complaint", "plan", "no_diagnosis_reason")
PUBLIC = ("id", "patient_id", "appointment_id", "doctor_id", "created_at", "version", "status")
CLINICAL = (*PUBLIC, *_TEXTS, "follow_up_on", "started_at", "signed_at", "updated_at")


def may_read_clinical(who: Person) -> bool:
    """Whether the role of `who` reads notes and diagnoses, where the record is open to them (`patients.access`)."""
    return who.may(Permission.OPEN_CHART) or who.is_patient


def access_columns(may_read: bool, who: Person | Reader, patient_id: Any) -> tuple[Any, Any]:
    """Whether the content of a row is open to `who`, and whether after break-glass only, as columns."""
    is_readable = policy.readable_by(who, patient_id) if may_read else false()
    return is_readable.label("is_readable"), policy.in_emergency(who, patient_id).label("is_emergency")


def encounters(who: Person) -> Select:
    """Encounters that `who` may know of, newest first; `is_readable` says whether their content is open too.

    A patient sees their own, once signed.
    """
    return _encounters(may_read=may_read_clinical(who), who=get_reader(who)).order_by(_ENCOUNTER.id.desc())


def _encounters(*, may_read: bool, who: Reader) -> Select:
    names, whose = CLINICAL if may_read else PUBLIC, _ENCOUNTER.patient_id
    query = select(*(_ENCOUNTER[name] for name in names), *access_columns(may_read, who, whose))
    query = query.where(_ENCOUNTER.status != "entered_in_error", *policy.visible_to(who, whose))
    return query.where(_ENCOUNTER.status == "signed") if who.is_patient else query


@cache
def _encounter(*, may_read: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    return _encounters(may_read=may_read, who=who).where(_ENCOUNTER.id == encounter_id)


def get_encounter_row(encounter_id: int, who: Person) -> Any:
    """One encounter as `who` may read it; `NotFound` when there is none."""
    row = db.session.execute(
        _encounter(may_read=may_read_clinical(who), kind=reader_kind(who)),
        {"encounter_id": encounter_id} | reader_values(who),
    ).one_or_none()
    if row is None:
        raise not_found_error(Encounter, encounter_id, "No Encounter matches the given query.")
    return row


def not_found_error(model: type[Encounter | Prescription], record_id: int, message: str) -> NotFound:
    """The same answer for a record that is not there and one that is not for this person; only the trail tells them apart."""
    there = select(model.patient_id).where(model.id == record_id, model.status != "entered_in_error")
    patient_id = db.session.execute(there).scalar_one_or_none()
    return NotFound(message) if patient_id is None else HiddenRecord(message, patient_id)


def addenda_of(encounter_id: int) -> list[Addendum]:
    """What was added to an encounter, oldest first."""
    return list(db.session.execute(_addenda_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _addenda_of() -> Select:
    encounter_id = bindparam("encounter_id")
    return select(Addendum).where(Addendum.encounter_id == encounter_id).order_by(Addendum.id)


def get_encounter(encounter_id: int, who: Person) -> Encounter:
    """The encounter as a record; `NotFound` when there is none for `who`, or it was entered in error.

    `RecordRestricted` for an administrator who must give a reason first.
    """
    found = _check_access(
        db.session.execute(
            _encounter_record(with_patient=False, kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
        ).one_or_none(),
        encounter_id,
        who,
    )
    return found.Encounter


def get_encounter_with_patient(encounter_id: int, who: Person) -> tuple[Encounter, Patient]:
    """As `get_encounter`, and whose it is."""
    found = _check_access(
        db.session.execute(
            _encounter_record(with_patient=True, kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
        ).one_or_none(),
        encounter_id,
        who,
    )
    if found.Patient.status != "active":
        raise NotFound(NO_PATIENT)
    return found.Encounter, found.Patient


def _check_access(found: Any, encounter_id: int, who: Person) -> Any:
    if found is None:
        raise not_found_error(Encounter, encounter_id, N_("This encounter does not exist."))
    if not found.is_readable:
        raise policy.RecordRestricted(found.patient_id, who)
    if found.is_emergency:
        policy.mark_emergency_access()
    return found


@cache
def _encounter_record(*, with_patient: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    whose = Encounter.patient_id
    is_standing = (Encounter.id == encounter_id, Encounter.status != "entered_in_error")
    query = select(Encounter, whose.label("patient_id"), *access_columns(True, who, whose)).where(
        *is_standing, *policy.visible_to(who, whose)
    )
    query = query.add_columns(Patient).join(Patient, Patient.id == whose) if with_patient else query
    return query.execution_options(populate_existing=True)


def get_encounter_for_update(encounter_id: int, who: Person) -> Row:
    """The encounter, locked until the action ends, as far as an order in it needs it: id, patient_id, doctor_id, status.

    `NotFound` and `RecordRestricted` as for `get_encounter`; but one that was entered in error is found.
    """
    found = db.session.execute(
        _encounter_for_update(kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
    ).one_or_none()
    return _check_access(found, encounter_id, who)


@cache
def _encounter_for_update(*, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    whose = _ENCOUNTER.patient_id
    told = (_ENCOUNTER.id, whose, _ENCOUNTER.doctor_id, _ENCOUNTER.status, *access_columns(True, who, whose))
    query = select(*told).where(_ENCOUNTER.id == encounter_id, *policy.visible_to(who, whose))
    return query.with_for_update(of=Encounter.__table__)


def get_queue_entry(entry_id: int) -> tuple[QueueEntry, int | None]:
    """A place in the queue, and the id of the encounter that belongs to it."""
    entry = db.session.get(QueueEntry, entry_id)
    if entry is None:
        raise NotFound(N_("This queue entry does not exist."))
    opened = select(Encounter.id).where(Encounter.queue_entry_id == entry_id, Encounter.status != "entered_in_error")
    return entry, db.session.scalars(opened).one_or_none()
