"""Looking up one patient, also for update."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import selectinload

from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from .enums import PatientStatus
from .models import Patient

NO_PATIENT = N_("No patient has this number. The record may have been withdrawn.")


def patient(patient_id: int, *, with_allergies: bool = False) -> Patient:
    """The patient; `NotFound` when there is none or the record is withdrawn."""
    row = db.session.execute(_active(with_allergies=with_allergies), {"patient_id": patient_id}).scalar_one_or_none()
    if row is None:
        raise NotFound(NO_PATIENT)
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
        raise NotFound(NO_PATIENT)
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
        raise NotFound(NO_PATIENT)
    return row


@cache
def _active_or_withdrawn() -> Select:
    statuses = (PatientStatus.ACTIVE.value, PatientStatus.WITHDRAWN.value)
    return select(Patient).where(Patient.id == bindparam("patient_id"), Patient.status.in_(statuses))


def patient_for_update(patient_id: int) -> Patient:
    """The patient with the row locked until the action ends; `NotFound` when there is none or it is withdrawn."""
    row = get_for_update(Patient, patient_id)
    if row.status != "active":
        raise NotFound(NO_PATIENT)
    return row
