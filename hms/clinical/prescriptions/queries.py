"""Reads of prescriptions for the API, as far as the reader may see them."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from hms.clinical.encounters.queries import access_columns, not_found_error
from hms.clinical.models import Prescription
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values

_ORDER = Prescription.__table__.c
ORDER_PUBLIC = ("id", "encounter_id", "created_at", "status", "version", "patient_id", "prescriber_id")
ORDER_CLINICAL = (
    *ORDER_PUBLIC,
    *("medication_id", "medication_name", "dosage", "frequency", "duration", "instructions", "indication"),
    *("quantity", "quantity_dispensed", "override_code", "override_reason", "checks", "signed_at", "updated_at"),
    *("reasons", "external_id"),
)


def may_read_prescriptions(who: Person) -> bool:
    """Whether the role of `who` may read prescribed medicines; `patients.access` also checks each record."""
    return who.may(Permission.READ_PRESCRIPTION) or who.is_patient


def select_prescriptions(*, kind: ReaderKind, may_read: bool, only_readable: bool) -> Select:
    """Select prescriptions that this kind of reader may list, imported ones too; `is_readable` marks those they may read.

    A patient gets their own, without drafts. Execute it with `reader_values`.
    """
    who = kind.reader()
    rows = _prescriptions(may_read=may_read, who=who)
    return rows.where(policy.readable_by(who, _ORDER.patient_id)) if only_readable else rows


def _prescriptions(*, may_read: bool, who: Reader) -> Select:
    names, patient_id = ORDER_CLINICAL if may_read else ORDER_PUBLIC, _ORDER.patient_id
    query = select(*(_ORDER[name] for name in names), *access_columns(may_read, who, patient_id))
    query = query.where(_ORDER.status != "entered_in_error", *policy.visible_to(who, patient_id))
    return query.where(_ORDER.status != "draft") if who.is_patient else query


@cache
def _prescription(*, may_read: bool, kind: ReaderKind) -> Select:
    prescription_id = bindparam("prescription_id")
    who = kind.reader()
    return _prescriptions(may_read=may_read, who=who).where(_ORDER.id == prescription_id)


def get_prescription_row(prescription_id: int, who: Person) -> Any:
    """One row of `select_prescriptions`; raises `NotFound`."""
    row = db.session.execute(
        _prescription(may_read=may_read_prescriptions(who), kind=reader_kind(who)),
        {"prescription_id": prescription_id} | reader_values(who),
    ).one_or_none()
    if row is None:
        raise not_found_error(Prescription, prescription_id, "No Prescription matches the given query.")
    return row
