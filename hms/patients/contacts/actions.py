"""Record and remove further phones and the next of kin. The patient's row is locked first."""

from __future__ import annotations

from typing import Any

from flask import current_app

from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.models import OtherPhone, Patient, Relative

from . import queries, rules


@action(Permission.EDIT_PATIENT, "patients.save_phone")
def save_phone(
    patient_id: int,
    *,
    number: str,
    owner: str = "own",
    label: str = "",
    phone_id: int | None = None,
    version: int | None = None,
    by: Person,
) -> OtherPhone:
    """Add a further phone, or change the one with `phone_id`; raises `StaleVersion` when `version` is not the present one."""
    _lock(patient_id, by)
    row = OtherPhone(patient_id=patient_id) if phone_id is None else queries.get_phone(patient_id, phone_id)
    return _write(row, version, rules.clean_phone(number, owner, label, current_app.config["COUNTRY"]))


@action(Permission.EDIT_PATIENT, "patients.remove_phone")
def remove_phone(patient_id: int, phone_id: int, *, by: Person) -> None:
    """Remove a further phone; the audit trail keeps it."""
    _lock(patient_id, by)
    _remove(queries.get_phone(patient_id, phone_id))


@action(Permission.EDIT_PATIENT, "patients.save_relative")
def save_relative(
    patient_id: int,
    *,
    name: str,
    relation: str,
    phone: str = "",
    record_id: int | None = None,
    relative_id: int | None = None,
    version: int | None = None,
    by: Person,
) -> Relative:
    """Add one of the next of kin, or change the one with `relative_id`. `record_id` is the relative's own record.

    Raises `RuleBroken` for a record that is not in use or the patient's own, `StaleVersion` when `version` is not the present
    one.
    """
    _lock(patient_id, by)
    row = Relative(patient_id=patient_id) if relative_id is None else queries.get_relative(patient_id, relative_id)
    values = rules.clean_relative(name, relation, phone, current_app.config["COUNTRY"])
    return _write(row, version, values | {"record_id": _checked_record(patient_id, record_id)})


@action(Permission.EDIT_PATIENT, "patients.remove_relative")
def remove_relative(patient_id: int, relative_id: int, *, by: Person) -> None:
    """Remove one of the next of kin; the audit trail keeps the row."""
    _lock(patient_id, by)
    _remove(queries.get_relative(patient_id, relative_id))


def add_first_contacts(
    patient: Patient, *, other_phone: dict[str, str] | None = None, kin: dict[str, str] | None = None
) -> None:
    """Add a phone and one of the next of kin to a patient who is being registered; their fields begin with "other_phone_"
    and "kin_". Part of an action."""
    country = current_app.config["COUNTRY"]
    if other_phone and any(other_phone.values()):
        values = rules.clean_phone(**({"label": ""} | other_phone), country=country, prefix="other_phone_")
        _write(OtherPhone(patient_id=patient.id), None, values)
    if kin and any(kin.values()):
        _write(Relative(patient_id=patient.id), None, rules.clean_relative(**kin, country=country, prefix="kin_"))


def _lock(patient_id: int, by: Person) -> None:
    policy.check_team(lookup.patient_for_update(patient_id), by)


def _checked_record(patient_id: int, record_id: int | None) -> int | None:
    if record_id is None:
        return None
    record = lookup.kept_record(record_id) or db.session.get(Patient, record_id)
    if record is None or record.status != "active":
        raise RuleBroken(N_("No patient has this number."), "record")
    if record.id == patient_id:
        raise RuleBroken(N_("This is the number of the patient. Type that of the relative."), "record")
    return record.id


def _write(row: Any, version: int | None, values: dict[str, Any]) -> Any:
    if version is not None and row.id is not None and version != row.version:
        raise StaleVersion(STALE_MESSAGE)
    if row.id is not None:
        row.increment_version()
    for name, value in values.items():
        setattr(row, name, value)
    db.session.add(row)
    db.session.flush()
    return row


def _remove(row: OtherPhone | Relative) -> None:
    db.session.delete(row)
    db.session.flush()
