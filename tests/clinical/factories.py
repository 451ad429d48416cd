"""Factories: patients, queue entries and encounters for tests."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hms.appointments.models import QueueEntry
from hms.appointments.queue import transitions as appointments
from hms.clinical import signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.encounters import drafts as encounter_drafts
from hms.clinical.models import DiagnosisCode, Encounter
from hms.core import clock
from hms.core import drafts as core_drafts
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.patients.allergies import actions as allergy_actions
from hms.patients.models import Patient
from hms.patients.registration import actions as registration_actions

CODES = (
    ("B54", "Unspecified malaria", "b54 mal malaria unspecified malaria "),
    ("B50.9", "Plasmodium falciparum malaria, unspecified", "b50.9 b509 plasmodium falciparum malaria unspecified "),
    ("I10", "Essential (primary) hypertension", "i10 htn essential primary hypertension "),
    ("J06.9", "Acute upper respiratory infection, unspecified", "j06.9 j069 uri acute upper respiratory infection "),
)


def a_patient(**more: Any) -> Patient:
    """Register Kadiatu Kamara, 35 years; `more` replaces values."""
    values = {"given_names": "Kadiatu", "family_name": "Kamara", "sex": "female", "birth_date": born(35)}
    return registration_actions.register_patient(**values | more, by=SYSTEM)


def born(years: int) -> date:
    """A date of birth for an age."""
    return clock.today().replace(year=clock.today().year - years, month=1, day=2)


def allergic(
    patient: Patient, substance: str = "penicillin", reaction: str = "anaphylaxis", severity: str = "severe"
) -> None:
    allergy_actions.record_allergy(patient.id, substance=substance, reaction=reaction, severity=severity, by=SYSTEM)


def waiting(patient: Patient, **more: Any) -> QueueEntry:
    """Add the patient to today's queue."""
    return appointments.add_to_queue(patient.id, **more, by=SYSTEM)


def some_codes() -> None:
    """A few diagnoses; the whole list takes seconds to load."""
    with action_context("tests.codes", SYSTEM):
        db.session.add_all(
            DiagnosisCode(code=code, title=title, search_text=search, is_leaf=True) for code, title, search in CODES
        )


def an_encounter(by: Any, patient: Patient | None = None, **texts: Any) -> Encounter:
    """An open encounter of `by`, with texts."""
    encounter = encounter_actions.start_encounter(patient_id=(patient or a_patient()).id, by=by)
    return encounter_actions.save_encounter(encounter.id, **texts, by=by) if texts else encounter


def reasons(page: str, code: str, text: str = "") -> dict[str, str]:
    """The fields of a page that ask why a medicine is given all the same, filled in."""
    names = dict.fromkeys(re.findall(r'name="(why-[a-z]+-[0-9a-f]+)-code"', page))
    return {f"{name}-code": code for name in names} | {f"{name}-text": text for name in names if text}


def signed(by: Any, patient: Patient | None = None) -> Encounter:
    """A signed encounter of `by`."""
    encounter = an_encounter(by, patient, notes="Fever for two days.")
    diagnosis_actions.add_condition(encounter.id, text="Fever", by=by)
    return signing.sign(encounter.id, by=by)


def unsaved_texts(encounter_id: int, who: Any) -> tuple[encounter_drafts.UnsavedText, ...]:
    """The unsaved texts of `who` for an encounter, newest first."""
    draft = core_drafts.get_draft(who.id, encounter_drafts.draft_name(encounter_id))
    return encounter_drafts.parse_texts(draft.content) if draft else ()
