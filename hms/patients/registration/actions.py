"""Registering patients: at the front desk, of unidentified people, and from a draft."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import func, select

from hms.core import clock, gapless_numbers
from hms.core import drafts as core_drafts
from hms.core.actions import action
from hms.core.audit import recording
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.patients.allergies.actions import record_allergy_answer
from hms.patients.contacts.actions import add_first_contacts
from hms.patients.identity import hospital_numbers
from hms.patients.identity import names as identity_names
from hms.patients.models import Patient
from hms.patients.records.actions import audit_subject, clean_values
from hms.patients.search import duplicates

from . import drafts as registration_drafts


@action(Permission.REGISTER_PATIENT, "patients.register_patient")
def register_patient(
    *,
    given_names: str,
    family_name: str = "",
    sex: str,
    birth_date: date | None = None,
    birth_is_estimated: bool = False,
    phone: str = "",
    allergies: Iterable[str] | None = None,
    must_confirm_duplicate: bool = False,
    is_quick: bool = False,
    overridden_match_id: int | None = None,
    by: Person,
    **more: Any,
) -> Patient:
    """Register a patient with the next hospital number. `more` are other columns of demographics (address, title, …).

    `allergies` are the substances the patient names; an empty list means "asked, none known", None "not asked".
    With `must_confirm_duplicate` a strong look-alike raises `Conflict` (code "possible_duplicate", with the match on
    `.match`), unless it is the one in `overridden_match_id`; the override is recorded in the audit trail. With `is_quick`
    look-alikes are looked for in one cheap statement.
    """
    changes = {"given_names": given_names, "family_name": family_name, "sex": sex, "birth_date": birth_date}
    patient = Patient(**clean_values(changes | {"birth_is_estimated": birth_is_estimated, "phone": phone} | more))
    match = _strongest(patient, by, is_quick=is_quick) if must_confirm_duplicate else None
    if match and match.hit.id != overridden_match_id:
        raise PossibleDuplicate(match)
    _number(patient)
    db.session.add(patient)
    if allergies is not None:
        record_allergy_answer(patient, list(allergies), by)
    db.session.flush()
    if match:
        details = {"match": match.hit.id, "percent": match.percent}
        recording.record("patients.override_match", by, **audit_subject(patient.id), details=details)
    return patient


class PossibleDuplicate(Conflict):
    """The person may be registered already; `match` is the record."""

    def __init__(self, match: duplicates.DuplicateCandidate) -> None:
        hit = match.hit
        name = identity_names.format_listed_name(hit.given_name, hit.family_name, hit.title)
        message = N_(
            "This may be %(name)s, %(number)s, who is already registered. Use that record, or save "
            "as a different person."
        )
        super().__init__(message, code="possible_duplicate", name=name, number=hit.hospital_number)
        self.match = match


@action(Permission.REGISTER_PATIENT, "patients.finish_registration")
def finish_registration(
    *,
    draft: str,
    other_phone: dict[str, str] | None = None,
    kin: dict[str, str] | None = None,
    by: Person,
    **details: Any,
) -> Patient:
    """`register_patient` from the page, with a further phone and one of the next of kin; deletes the draft with the key
    `draft`."""
    patient = register_patient(**details, by=by)
    add_first_contacts(patient, other_phone=other_phone, kin=kin)
    core_drafts.delete_draft(by.id, registration_drafts.draft_name(draft))
    return patient


@action(Permission.REGISTER_PATIENT, "patients.register_unknown")
def register_unknown(
    *, sex: str, birth_date: date | None = None, birth_is_estimated: bool = False, by: Person
) -> Patient:
    """Register an unidentified patient with a temporary name: UNKNOWN, Male 22-Nov A. Correct it later like any other."""
    known = {"sex": sex, "birth_date": birth_date, "birth_is_estimated": birth_is_estimated}
    patient = Patient(**clean_values(known))
    _number(patient)  # locks the number series until commit, so that no letter is used twice
    names = identity_names.name_unknown_person(patient.sex, clock.today(), 0)
    stem = names.given.rpartition(" ")[0]
    same_day = select(func.count()).where(
        Patient.family_name == names.family,
        Patient.given_names.like(f"{stem} %"),
        Patient.created_at >= clock.day_bounds(clock.today())[0],
    )
    nth = db.session.execute(same_day).scalar_one()
    patient.given_names, patient.family_name = identity_names.name_unknown_person(patient.sex, clock.today(), nth)
    db.session.add(patient)
    db.session.flush()
    return patient


def _number(patient: Patient) -> None:
    """Issue the next hospital number; taken last, because it locks the series until commit."""
    patient.number = gapless_numbers.next_number("patient")
    patient.hospital_number = hospital_numbers.format_hospital_number(
        patient.number, settings.value("patients.number_prefix")
    )


def _strongest(patient: Patient, by: Person, *, is_quick: bool) -> duplicates.DuplicateCandidate | None:
    person = duplicates.compared_person(patient)
    candidates = duplicates.duplicate_candidates(person, who=by, limit=1, is_quick=is_quick)
    return candidates[0] if candidates and candidates[0].is_strong else None
