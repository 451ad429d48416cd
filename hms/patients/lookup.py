"""Looking up one patient, also for update."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import selectinload

from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_

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


def patient_for_update(patient_id: int) -> Patient:
    """The patient with the row locked until the action ends; `NotFound` when there is none or it is withdrawn."""
    row = get_for_update(Patient, patient_id)
    if row.status != "active":
        raise NotFound(NO_PATIENT)
    return row
