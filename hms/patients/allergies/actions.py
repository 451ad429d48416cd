"""Record, withdraw and deny allergies: one by one on the page, as one line of text in the API."""

from __future__ import annotations

from typing import Any

from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field, fold
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.enums import AllergyStatus
from hms.patients.models import Allergy, Patient

from . import queries
from .rules import MAX_SUBSTANCE_LENGTH, NONE_KNOWN, check_is_substance, parse_substances

MAX_REACTION_LENGTH = 255
ALLERGIES_RECORDED = N_("Allergies are recorded. Mark the wrong ones as entered in error first.")
CHANGES_NO_ALLERGIES = N_("Your role may not change known_allergies. Ask a nurse or a doctor.")


@action(Permission.RECORD_ALLERGY, "patients.record_allergy")
def record_allergy(
    patient_id: int, *, substance: str, reaction: str = "", severity: str = "unknown", by: Person, **more: Any
) -> Allergy:
    """Record a substance that the patient reacts to. `severity` is mild, moderate, severe or unknown.

    `more` are other columns of the allergy (class_code, code, code_system, category, recorded_on, external_id).
    Raises `Conflict` when the substance is already recorded, `RuleBroken` for words that name none ("unknown").
    """
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    name = clean_field(substance, "substance", longest=MAX_SUBSTANCE_LENGTH)
    check_is_substance(name, "substance")
    if any(fold(known.substance) == fold(name) for known in queries.allergies(patient_id)):
        raise Conflict(N_("This allergy is already recorded."), "substance", code="already_recorded")
    allergy = _new_allergy(
        patient,
        name,
        by,
        reaction=clean_field(reaction, "reaction", longest=MAX_REACTION_LENGTH),
        severity=severity,
        **more,
    )
    patient.increment_version()
    db.session.flush()
    return allergy


def _new_allergy(patient: Patient, substance: str, by: Person, **more: Any) -> Allergy:
    allergy = Allergy(
        patient=patient, substance=substance, recorded_by_id=by.id, **{"recorded_on": clock.today()} | more
    )
    db.session.add(allergy)
    _set_allergy_status(patient, "known", by)
    return allergy


def _set_allergy_status(patient: Patient, status: str, by: Person) -> None:
    patient.allergy_status, patient.allergy_status_at, patient.allergy_status_by_id = status, clock.now(), by.id


@action(Permission.RECORD_ALLERGY, "patients.withdraw_allergy")
def withdraw_allergy(allergy_id: int, *, by: Person) -> Allergy:
    """Mark an allergy as entered in error; without any other allergy the status becomes "not_asked"."""
    allergy = get_for_update(Allergy, allergy_id)
    patient = lookup.patient_for_update(allergy.patient_id)
    policy.check(patient, by)
    if allergy.status != "active":
        raise Conflict(N_("This allergy is already marked as entered in error."), code="already_withdrawn")
    _withdraw(patient, [allergy], by)
    patient.increment_version()
    return allergy


def _withdraw(patient: Patient, allergies: list[Allergy], by: Person) -> None:
    for allergy in allergies:
        set_status(allergy, AllergyStatus.ENTERED_IN_ERROR)
    db.session.flush()
    if allergies and not queries.allergies(patient.id):
        _set_allergy_status(patient, "not_asked", by)


@action(Permission.RECORD_ALLERGY, "patients.confirm_no_allergies")
def confirm_no_allergies(patient_id: int, *, by: Person) -> Patient:
    """Record that the patient was asked and has no known allergies; raises `Conflict` while any is recorded."""
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    if queries.allergies(patient_id):
        raise Conflict(ALLERGIES_RECORDED, code="allergies_recorded")
    _set_allergy_status(patient, "none_known", by)
    patient.increment_version()
    return patient


def match_status_to_allergies(patient: Patient, by: Person) -> None:
    """Set the status to what is recorded, after allergies came to the record or left it: known with any, else not asked."""
    has_any = bool(queries.allergies(patient.id))
    if has_any and patient.allergy_status != "known":
        _set_allergy_status(patient, "known", by)
    elif not has_any and patient.allergy_status == "known":
        _set_allergy_status(patient, "not_asked", by)


def record_allergy_answer(patient: Patient, named_substances: list[str], by: Person) -> None:
    if not named_substances:
        _set_allergy_status(patient, "none_known", by)
    for substance in named_substances:
        _new_allergy(patient, substance, by)


def replace_allergies(patient: Patient, text: str, by: Person) -> bool:
    """Replace the recorded substances by those in `text`; returns whether anything changed.

    Raises `NotAllowed` when they differ and `by` may not record allergies, and `Conflict` when the text says that nobody
    knows ("unknown") while allergies are recorded.
    """
    if not policy.is_open(patient, by):
        raise NotAllowed(
            CHANGES_NO_ALLERGIES, "known_allergies"
        )  # for every text, so that nobody can guess the recorded ones
    known, requested = queries.allergies(patient.id), parse_substances(text)
    if known and fold(text) == fold(", ".join(allergy.substance for allergy in known)):
        return False
    is_denial = requested is NONE_KNOWN
    substances_by_key = {fold(allergy): allergy for allergy in requested or ()}
    removed = [allergy for allergy in known if fold(allergy.substance) not in substances_by_key]
    added = [allergy for key, allergy in substances_by_key.items() if key not in {fold(k.substance) for k in known}]
    becomes_denied = is_denial and patient.allergy_status != "none_known"
    reopens = requested is None and patient.allergy_status == "none_known"
    if not (removed or added or becomes_denied or reopens):
        return False
    if not by.may(Permission.RECORD_ALLERGY):
        raise NotAllowed(CHANGES_NO_ALLERGIES, "known_allergies")
    if known and requested is None and text.strip():
        raise Conflict(ALLERGIES_RECORDED, "known_allergies", code="allergies_recorded")
    _withdraw(patient, removed, by)
    for substance in added:
        _new_allergy(patient, substance, by)
    if is_denial or reopens:
        _set_allergy_status(patient, "none_known" if is_denial else "not_asked", by)
    return True
