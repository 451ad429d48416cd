"""What programs and lists read of encounters, vital signs and prescriptions, as rows of columns."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, false, select

from hms.appointments.models import QueueEntry
from hms.core import clock
from hms.core.db import db
from hms.core.errors import Hidden, NotFound
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.words import _
from hms.patients import access
from hms.patients.models import Patient
from hms.patients.queries import NO_PATIENT
from hms.patients.reader import Reader, ReaderKind, reader, reader_kind, reader_values

from . import readings
from .models import Addendum, Condition, Encounter, Prescription, VitalsReading

_ENCOUNTER = Encounter.__table__.c
_ORDER = Prescription.__table__.c
_TEXTS = ("notes", "diagnosis", "chief_complaint", "plan", "no_diagnosis_reason")
PUBLIC = ("id", "patient_id", "appointment_id", "doctor_id", "created_at", "version", "status")
CLINICAL = (*PUBLIC, *_TEXTS, "follow_up_on", "started_at", "signed_at", "updated_at")
ORDER_PUBLIC = ("id", "encounter_id", "created_at", "status", "version", "patient_id", "prescriber_id")
ORDER_CLINICAL = (
    *ORDER_PUBLIC,
    *("medication_id", "medication_name", "dosage", "frequency", "duration", "instructions"),
    *("quantity", "quantity_dispensed", "override_code", "override_reason", "signed_at", "updated_at"),
)


def reads_clinical(who: Person) -> bool:
    """Whether the role of `who` reads notes and diagnoses, where the record is open to them (`patients.access`)."""
    return who.may(Action.OPEN_CHART) or who.is_patient


def reads_prescriptions(who: Person) -> bool:
    """Whether the role of `who` reads which medicines were ordered, where the record is open to them."""
    return who.may(Action.READ_PRESCRIPTION) or who.is_patient


def _marks(may_read: bool, who: Person | Reader, patient_id: Any) -> tuple[Any, Any]:
    """Whether the content of a row is open to `who`, and whether after break-glass only, as columns."""
    is_readable = access.open_to(who, patient_id) if may_read else false()
    return is_readable.label("is_readable"), access.in_emergency(who, patient_id).label("is_emergency")


def encounters(who: Person) -> Select:
    """Encounters that `who` may know of, newest first; `is_readable` says whether their content is open too.

    A patient sees their own, once signed.
    """
    return _encounters(may_read=reads_clinical(who), who=reader(who)).order_by(_ENCOUNTER.id.desc())


def _encounters(*, may_read: bool, who: Reader) -> Select:
    names, whose = CLINICAL if may_read else PUBLIC, _ENCOUNTER.patient_id
    query = select(*(_ENCOUNTER[name] for name in names), *_marks(may_read, who, whose))
    query = query.where(_ENCOUNTER.status != "entered_in_error", *access.visible_to(who, whose))
    return query.where(_ENCOUNTER.status == "signed") if who.is_patient else query


@cache
def _encounter(*, may_read: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    return _encounters(may_read=may_read, who=who).where(_ENCOUNTER.id == encounter_id)


def encounter(encounter_id: int, who: Person) -> Any:
    """One encounter as `who` may read it; `NotFound` when there is none."""
    row = db.session.execute(
        _encounter(may_read=reads_clinical(who), kind=reader_kind(who)),
        {"encounter_id": encounter_id} | reader_values(who),
    ).one_or_none()
    if row is None:
        raise _missing(Encounter, encounter_id, "No Encounter matches the given query.")
    return row


def _missing(model: type[Encounter | Prescription], record_id: int, message: str) -> NotFound:
    """The same answer for a record that is not there and one that is not for this person; only the trail tells them apart."""
    there = select(model.patient_id).where(model.id == record_id, model.status != "entered_in_error")
    patient_id = db.session.execute(there).scalar_one_or_none()
    return NotFound(message) if patient_id is None else Hidden(message, patient_id)


def prescriptions(who: Person) -> Select:
    """Orders that `who` may know of, newest first, imported ones without an encounter too; `is_readable` as above.

    A patient sees their own, without drafts.
    """
    return _prescriptions(may_read=reads_prescriptions(who), who=reader(who)).order_by(_ORDER.id.desc())


def _prescriptions(*, may_read: bool, who: Reader) -> Select:
    names, whose = ORDER_CLINICAL if may_read else ORDER_PUBLIC, _ORDER.patient_id
    query = select(*(_ORDER[name] for name in names), *_marks(may_read, who, whose))
    query = query.where(_ORDER.status != "entered_in_error", *access.visible_to(who, whose))
    return query.where(_ORDER.status != "draft") if who.is_patient else query


@cache
def _prescription(*, may_read: bool, kind: ReaderKind) -> Select:
    prescription_id = bindparam("prescription_id")
    who = kind.reader()
    return _prescriptions(may_read=may_read, who=who).where(_ORDER.id == prescription_id)


def prescription(prescription_id: int, who: Person) -> Any:
    """One order as `who` may read it; `NotFound` when there is none."""
    row = db.session.execute(
        _prescription(may_read=reads_prescriptions(who), kind=reader_kind(who)),
        {"prescription_id": prescription_id} | reader_values(who),
    ).one_or_none()
    if row is None:
        raise _missing(Prescription, prescription_id, "No Prescription matches the given query.")
    return row


def vitals_of_waiting(entry_ids: Iterable[int], who: Person) -> list[Row]:
    """The readings of places in the queue, oldest first: what is shown of each (`readings.COLUMNS`), `queue_entry_id`,
    `birth_date`, and whether it `is_open` to `who`."""
    return list(
        db.session.execute(
            _vitals_of_waiting(kind=reader_kind(who)), {"entry_ids": list(entry_ids)} | reader_values(who)
        )
    )


@cache
def _vitals_of_waiting(*, kind: ReaderKind) -> Select:
    entry_ids = bindparam("entry_ids")
    who = kind.reader()
    is_open = access.open_to(who, Patient.id).label("is_open")
    query = select(*readings.COLUMNS, VitalsReading.queue_entry_id, Patient.birth_date, is_open)
    return (
        query.join_from(VitalsReading, Patient, Patient.id == VitalsReading.patient_id)
        .where(VitalsReading.queue_entry_id.in_(entry_ids), VitalsReading.status == "final")
        .order_by(VitalsReading.taken_at)
    )


def vitals_of(encounter_id: int) -> list[VitalsReading]:
    """The readings of an encounter, newest first, without corrected ones."""
    return list(db.session.execute(_vitals_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _vitals_of() -> Select:
    encounter_id = bindparam("encounter_id")
    query = select(VitalsReading).where(VitalsReading.encounter_id == encounter_id, VitalsReading.status == "final")
    return query.order_by(VitalsReading.taken_at.desc(), VitalsReading.id.desc())


def conditions_of(encounter_id: int) -> list[Condition]:
    """The diagnoses of an encounter, the primary one first."""
    return list(db.session.execute(diagnosed(), {"encounter_id": encounter_id}).scalars())


@cache
def diagnosed() -> Select:
    """`conditions_of` as a question."""
    encounter_id = bindparam("encounter_id")
    query = select(Condition).where(Condition.encounter_id == encounter_id, Condition.status == "final")
    return query.order_by(Condition.rank, Condition.id)


def addenda_of(encounter_id: int) -> list[Addendum]:
    """What was added to an encounter, oldest first."""
    return list(db.session.execute(_addenda_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _addenda_of() -> Select:
    encounter_id = bindparam("encounter_id")
    return select(Addendum).where(Addendum.encounter_id == encounter_id).order_by(Addendum.id)


def encounter_found(encounter_id: int, who: Person) -> Encounter:
    """The encounter as a record; `NotFound` when there is none for `who`, or it was entered in error.

    `access.Closed` for an administrator who must give a reason first.
    """
    found = _checked(
        db.session.execute(
            _record(with_patient=False, kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
        ).one_or_none(),
        encounter_id,
        who,
    )
    return found.Encounter


def encounter_with_patient(encounter_id: int, who: Person) -> tuple[Encounter, Patient]:
    """As `encounter_found`, and whose it is."""
    found = _checked(
        db.session.execute(
            _record(with_patient=True, kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
        ).one_or_none(),
        encounter_id,
        who,
    )
    if found.Patient.status != "active":
        raise NotFound(NO_PATIENT)
    return found.Encounter, found.Patient


def _checked(found: Any, encounter_id: int, who: Person) -> Any:
    if found is None:
        raise _missing(Encounter, encounter_id, _("There is no such encounter."))
    if not found.is_readable:
        raise access.Closed(found.patient_id, who)
    if found.is_emergency:
        access.say_emergency()
    return found


@cache
def _record(*, with_patient: bool, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    whose = Encounter.patient_id
    is_standing = (Encounter.id == encounter_id, Encounter.status != "entered_in_error")
    query = select(Encounter, whose.label("patient_id"), *_marks(True, who, whose)).where(
        *is_standing, *access.visible_to(who, whose)
    )
    query = query.add_columns(Patient).join(Patient, Patient.id == whose) if with_patient else query
    return query.execution_options(populate_existing=True)


def encounter_held(encounter_id: int, who: Person) -> Row:
    """The encounter, locked until the action ends, as far as an order in it needs it: id, patient_id, doctor_id, status.

    `NotFound` and `access.Closed` as for `encounter_found`; but one that was entered in error is found.
    """
    found = db.session.execute(
        _held(kind=reader_kind(who)), {"encounter_id": encounter_id} | reader_values(who)
    ).one_or_none()
    return _checked(found, encounter_id, who)


@cache
def _held(*, kind: ReaderKind) -> Select:
    encounter_id = bindparam("encounter_id")
    who = kind.reader()
    whose = _ENCOUNTER.patient_id
    told = (_ENCOUNTER.id, whose, _ENCOUNTER.doctor_id, _ENCOUNTER.status, *_marks(True, who, whose))
    query = select(*told).where(_ENCOUNTER.id == encounter_id, *access.visible_to(who, whose))
    return query.with_for_update(of=Encounter.__table__)


def place_in_queue(entry_id: int) -> tuple[QueueEntry, int | None]:
    """A place in the queue, and the id of the encounter that belongs to it."""
    entry = db.session.get(QueueEntry, entry_id)
    if entry is None:
        raise NotFound(_("There is no such place in the queue."))
    opened = select(Encounter.id).where(Encounter.queue_entry_id == entry_id, Encounter.status != "entered_in_error")
    return entry, db.session.scalars(opened).one_or_none()


def next_to_measure(besides: int) -> int | None:
    """The place in the queue of who waits today without vital signs, most urgent first."""
    measured = select(VitalsReading.id).where(VitalsReading.queue_entry_id == QueueEntry.id).exists()
    query = select(QueueEntry.id).where(
        QueueEntry.service_date == clock.today(),
        QueueEntry.status.in_(("waiting", "called")),
        QueueEntry.id != besides,
        ~measured,
    )
    order = (QueueEntry.priority, QueueEntry.arrived_at, QueueEntry.token)
    return db.session.scalars(query.order_by(*order).limit(1)).one_or_none()
