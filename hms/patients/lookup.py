"""Looking up one patient, also for update."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import selectinload

from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import DomainError, NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from .enums import PatientStatus
from .models import Patient

NO_PATIENT = N_("No patient has this number. The record may have been withdrawn.")


class RecordMerged(DomainError):
    """The record was merged into another one: 410 with the number of that record (`kept_id`)."""

    status = 410
    code = "merged"

    def __init__(self, kept_id: int, number: str) -> None:
        super().__init__(N_("This record was merged into %(number)s. Use that record."), "patient", number=number)
        self.kept_id = kept_id
        self.next_step = (f"/patients/{kept_id}", _l("Open that record"))
        self.details = {"merged_into": kept_id, "unique_id": number}


def missing_patient(patient_id: int) -> NotFound | RecordMerged:
    """The error for an id without a record in use: `RecordMerged` when the record is now a part of another one."""
    kept = kept_record(patient_id)
    return NotFound(NO_PATIENT) if kept is None else RecordMerged(kept.id, kept.hospital_number)


def kept_record(patient_id: int) -> Patient | None:
    """The record into which this one was merged, also over several merges; None for a record that was not merged."""
    row = db.session.get(Patient, patient_id)
    if row is None or row.merged_into_id is None:
        return None
    while row.merged_into_id is not None:
        row = db.session.get_one(Patient, row.merged_into_id)
    return row


def record_ids(patient_id: int) -> list[int]:
    """The id of this record, and of every record that was merged into it, also over several merges."""
    ids, found = [patient_id], [patient_id]
    while found:
        found = list(db.session.scalars(select(Patient.id).where(Patient.merged_into_id.in_(found))))
        ids += found
    return ids


def patient(patient_id: int, *, with_allergies: bool = False) -> Patient:
    """The patient; `NotFound` when there is none or the record is withdrawn, `RecordMerged` when it was merged."""
    row = db.session.execute(_active(with_allergies=with_allergies), {"patient_id": patient_id}).scalar_one_or_none()
    if row is None:
        raise missing_patient(patient_id)
    return row


@cache
def _active(*, with_allergies: bool) -> Select:
    patient_id = bindparam("patient_id")
    query = select(Patient).where(Patient.id == patient_id, Patient.status == "active")
    return query.options(selectinload(Patient.allergies)) if with_allergies else query


class AccessFacts(NamedTuple):
    """What `access.policy.check` needs to know of a patient."""

    id: int
    is_restricted: bool


def access_facts(patient_id: int) -> AccessFacts:
    """The patient's columns for `access.policy.check`; raises as `patient`."""
    row = db.session.execute(_access(), {"patient_id": patient_id}).one_or_none()
    if row is None:
        raise missing_patient(patient_id)
    return AccessFacts(*row)


@cache
def _access() -> Select:
    row = Patient.__table__.c
    query = select(row.id, row.is_restricted)
    return query.where(row.id == bindparam("patient_id"), row.status == PatientStatus.ACTIVE.value)


def sees_withdrawn(who: Person) -> bool:
    """Whether `who` may read records that were withdrawn: those who withdraw and restore them."""
    return who.may(Permission.WITHDRAW_PATIENT)


def readable_patient(patient_id: int, who: Person) -> Patient:
    """The patient, for reading; also one whose record was withdrawn, when `who` may see withdrawn records."""
    if not sees_withdrawn(who):
        return patient(patient_id)
    row = db.session.execute(_active_or_withdrawn(), {"patient_id": patient_id}).scalar_one_or_none()
    if row is None:
        raise missing_patient(patient_id)
    return row


@cache
def _active_or_withdrawn() -> Select:
    statuses = (PatientStatus.ACTIVE.value, PatientStatus.WITHDRAWN.value)
    return select(Patient).where(Patient.id == bindparam("patient_id"), Patient.status.in_(statuses))


def patient_for_update(patient_id: int) -> Patient:
    """The patient with the row locked until the action ends; `NotFound` when there is none or it is withdrawn,
    `RecordMerged` when it was merged into another one."""
    row = get_for_update(Patient, patient_id)
    if row.status != "active":
        raise missing_patient(patient_id)
    return row
