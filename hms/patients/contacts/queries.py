"""The further phones and the next of kin of a patient."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.models import OtherPhone, Patient, Relative

NO_PHONE = N_("This phone is no longer on the patient's list.")
NO_RELATIVE = N_("This person is no longer among the next of kin.")


@dataclass(frozen=True)
class ListedRelative:
    """A relative, with the relative's own record if that is in use."""

    row: Relative
    record: Patient | None


def list_phones(patient_id: int) -> list[OtherPhone]:
    """The further phones, the oldest first."""
    return list(db.session.scalars(select(OtherPhone).filter_by(patient_id=patient_id).order_by(OtherPhone.id)))


def list_relatives(patient_id: int) -> list[ListedRelative]:
    """The next of kin, the oldest first."""
    query = select(Relative, Patient).outerjoin(Patient, Patient.id == Relative.record_id)
    query = query.where(Relative.patient_id == patient_id).order_by(Relative.id)
    rows = db.session.execute(query).all()  # with the records, which `record_of` then finds in the session
    return [ListedRelative(relative, record_of(relative)) for relative, _record in rows]


def record_of(relative: Relative) -> Patient | None:
    """The relative's own record, also after it was merged into another one; None when it is not in use, or the patient's."""
    if relative.record_id is None:
        return None
    record = lookup.kept_record(relative.record_id) or db.session.get_one(Patient, relative.record_id)
    return record if record.status == "active" and record.id != relative.patient_id else None


def get_phone(patient_id: int, phone_id: int) -> OtherPhone:
    """A phone of this patient; raises `NotFound`."""
    row = db.session.scalars(select(OtherPhone).filter_by(id=phone_id, patient_id=patient_id)).one_or_none()
    if row is None:
        raise NotFound(NO_PHONE)
    return row


def get_relative(patient_id: int, relative_id: int) -> Relative:
    """A relative of this patient; raises `NotFound`."""
    row = db.session.scalars(select(Relative).filter_by(id=relative_id, patient_id=patient_id)).one_or_none()
    if row is None:
        raise NotFound(NO_RELATIVE)
    return row
