"""Correct and withdraw a patient's record; record that it was opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app
from sqlalchemy import select

from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.api import read_log
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings.payers import payer_names
from hms.core.text import phone_numbers
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy, reader
from hms.patients.addresses.queries import check_area
from hms.patients.allergies.actions import replace_allergies
from hms.patients.enums import PatientStatus
from hms.patients.identity import birth_dates
from hms.patients.identity import names as identity_names
from hms.patients.models import Patient

from . import api_queries

MAX_LENGTH = {
    "title": 20,
    "preferred_name": 100,
    "email": 254,
    "address": 255,
    "next_of_kin": 255,
    "national_id": 50,
    "other_names": 100,
    "other_numbers": 100,
} | {
    "payer": 100,
    "payer_number": 50,
    "occupation": 100,
    "language": 50,
    "withdrawn_reason": 255,
}
MAX_CONTACT_LENGTH = 255


@action(Permission.EDIT_PATIENT, "patients.update_patient")
def update_patient(
    patient_id: int, *, version: int | None = None, allergies: str | None = None, by: Person, **changes: Any
) -> Patient:
    """Correct the demographics named in `changes`; raises `StaleVersion` when `version` is not the present one.

    `allergies` is the API's text; only roles that may record allergies may change it.
    """
    patient = lookup.patient_for_update(patient_id)
    policy.check_team(patient, by)
    if version is not None and patient.version != version:
        raise StaleVersion(STALE_MESSAGE)
    names = {"given_names": patient.given_names, "family_name": patient.family_name}
    given = names | changes if names.keys() & changes.keys() else changes
    tidy = clean_values(given, known_payer=patient.payer)
    differs = {name: value for name, value in tidy.items() if getattr(patient, name) != value}
    if "birth_date" in differs and "birth_is_estimated" not in changes:
        differs["birth_is_estimated"] = False
    for name, value in differs.items():
        setattr(patient, name, value)
    has_new_allergies = allergies is not None and replace_allergies(patient, allergies, by)
    if differs or has_new_allergies:
        patient.increment_version()
    db.session.flush()
    return patient


def clean_values(values: dict[str, Any], *, known_payer: str = "") -> dict[str, Any]:
    """`values` cleaned for storage; `RuleBroken` names the field of the API and the form. `known_payer` is the recorded payer,
    which may stay after it left the hospital's list."""
    cleaned: dict[str, Any] = {}
    if "given_names" in values:
        cleaned["given_names"], cleaned["family_name"] = identity_names.clean_names(
            values["given_names"], values.get("family_name")
        )
    if "sex" in values:
        cleaned["sex"] = identity_names.parse_sex(values["sex"])
    if values.get("birth_date"):
        birth_dates.check_birth_date(values["birth_date"], clock.today())
    if "phone" in values:
        phone = phone_numbers.parse_phone(
            clean_field(values["phone"], "contact_info", longest=MAX_CONTACT_LENGTH), current_app.config["COUNTRY"]
        )
        cleaned |= {"phone": phone.e164 or phone.as_typed, "phone_is_checked": phone.e164 is not None}
    lines = {name: clean_field(values[name], name, longest=MAX_LENGTH[name]) for name in MAX_LENGTH if name in values}
    check_area(values.get("area_id"))
    payer = lines.get("payer", "")
    if payer and payer not in (known_payer, *payer_names()):
        raise RuleBroken(N_("Choose one of the hospital's payers."), "payer")
    as_they_are = ("birth_date", "birth_is_estimated", "deceased_on", "external_id", "area_id")
    return cleaned | lines | {name: values[name] for name in as_they_are if name in values}


withdrawal_guards: list[Callable[[int], None]] = []
"""Called with the patient's id before a record is withdrawn; desks above raise `Conflict` while they have unfinished work."""


@action(Permission.WITHDRAW_PATIENT, "patients.withdraw_patient")
def withdraw_patient(patient_id: int, *, reason: str = "", by: Person) -> None:
    """Withdraw the record: row and audit trail stay, lookups raise `NotFound` from now on.

    Raises `Conflict` while a desk has unfinished work for the patient: waiting in the queue, an open encounter, an unpaid bill.
    """
    patient = lookup.patient_for_update(patient_id)
    for check in withdrawal_guards:
        check(patient.id)
    set_status(patient, PatientStatus.WITHDRAWN)
    patient.withdrawn_reason = clean_field(reason, "reason", longest=MAX_LENGTH["withdrawn_reason"])
    patient.increment_version()


@action(Permission.WITHDRAW_PATIENT, "patients.restore_patient")
def restore_patient(patient_id: int, *, by: Person) -> Patient:
    """Undo the withdrawal of a record. Raises `RecordMerged` for a record that was merged into another one, `Conflict` while
    another active record has the same national number."""
    patient = get_for_update(Patient, patient_id)
    if patient.status == PatientStatus.MERGED:
        raise lookup.missing_patient(patient.id)
    if patient.status == PatientStatus.ACTIVE:
        return patient
    _check_number_is_free(patient)
    set_status(patient, PatientStatus.ACTIVE)
    patient.withdrawn_reason = ""
    patient.increment_version()
    db.session.flush()
    return patient


def _check_number_is_free(patient: Patient) -> None:
    others = select(Patient.hospital_number).where(
        Patient.national_id == patient.national_id,
        Patient.id != patient.id,
        Patient.status == PatientStatus.ACTIVE.value,
    )
    other = db.session.scalars(others).first() if patient.national_id else None
    if other is not None:
        message = N_("The record %(number)s has the same national number. Correct the number there first.")
        raise Conflict(message, code="same_number", number=other)


@action(Permission.OPEN_CHART, "patients.open_chart")
def open_chart(patient_id: int, *, by: Person) -> Patient:
    """The patient, for reading the clinical record; the read is recorded in the same transaction.

    `NotFound` when withdrawn and `by` may not see withdrawn records, `RecordRestricted` when the record opens to `by` with
    a reason only.
    """
    patient = lookup.readable_patient(patient_id, by)
    record_chart_opening(patient, by=by)
    return patient


@action(Permission.OPEN_CHART, "patients.open_found")
def record_chart_opening(patient: Patient, *, by: Person) -> None:
    """`open_chart` for a patient already loaded."""
    policy.check(patient, by)
    _note("clinical.open_chart", patient.id, by)


@action(Permission.FIND_PATIENT, "patients.look_up")
def look_up(patient_id: int, *, by: Person) -> Patient:
    """The patient's demographics; the read is recorded in the audit trail."""
    patient = lookup.readable_patient(patient_id, by)
    _note("patients.read", patient_id, by)
    return patient


@action(Permission.SIGNED_IN, "patients.read_patient")
def read_patient(patient_id: int, *, by: Person) -> Any:
    """The API's row of one patient; the read is recorded in the audit trail.

    Raises `RecordRestricted` for readers of charts when the record is closed to them.
    """
    row = api_queries.get_patient(patient_id, by)
    if reader.reads_charts(by) and not row.is_open:
        raise policy.RecordRestricted(patient_id, by)
    if row.is_restricted:
        policy.emergency_until(patient_id, by)
    _note("patients.read", patient_id, by)
    return row


def _note(action_: str, patient_id: int, by: Person) -> None:
    read_log.record_in_transaction(action_, by, [read_log.PatientRead(patient_id, patient_id)], entity="patient")


def audit_subject(patient_id: int) -> dict[str, Any]:
    return {"entity": "patient", "entity_id": patient_id, "patient_id": patient_id}
