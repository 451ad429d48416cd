"""Write the diagnoses of an open encounter, coded or as text."""

from __future__ import annotations

from hms.clinical import models
from hms.clinical.encounters import rules
from hms.clinical.encounters.actions import get_own_draft
from hms.clinical.encounters.rules import Diagnosis
from hms.clinical.enums import EntryStatus
from hms.clinical.models import ICD10, Condition, Encounter
from hms.core.actions import action
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import codes, icd10
from .queries import conditions_of


def to_diagnoses(conditions: list[Condition]) -> list[Diagnosis]:
    """The diagnoses as plain values for `rules`."""
    return [
        Diagnosis(
            condition.title,
            condition.code if condition.code_system == ICD10 else "",
            condition.certainty,
            condition.rank == 1,
        )
        for condition in conditions
    ]


@action(Permission.WRITE_ENCOUNTER, "clinical.add_condition")
def add_condition(
    encounter_id: int,
    *,
    text: str = "",
    code: str = "",
    certainty: str = "provisional",
    is_primary: bool = False,
    by: Person,
) -> Condition:
    """Add a diagnosis by its ICD-10 `code` or as `text`, which may be a code too. The first one is the primary diagnosis."""
    encounter = get_own_draft(encounter_id, by)
    code_row = _find_code(code, text)
    others = conditions_of(encounter_id)
    title = code_row.title if code_row else text.strip()
    new = Diagnosis(title, code_row.code if code_row else "", certainty, is_primary=False)
    rules.check_diagnoses([*to_diagnoses(others), new])
    condition = Condition(
        patient_id=encounter.patient_id,
        encounter_id=encounter.id,
        code=new.code,
        code_system=ICD10 if code_row else "",
        title=title,
        rank=max((other.rank for other in others), default=0) + 1,
        certainty=certainty,
        recorded_by_id=by.id,
    )
    db.session.add(condition)
    db.session.flush()
    if is_primary and others:
        _move_to_first(condition, others)
    _update_diagnosis_text(encounter)
    if code_row:
        codes.count_use(code_row.code)
    return condition


def _find_code(code: str, text: str) -> models.DiagnosisCode | None:
    if code and not icd10.normalise_code(code):
        raise RuleBroken(N_("This is not an ICD-10 code. Choose the diagnosis from the list."), "code")
    code_row = codes.get_code(code or text)
    if code and code_row is None:
        raise RuleBroken(N_("This is not an ICD-10 code. Choose the diagnosis from the list."), "code")
    return code_row


def _move_to_first(condition: Condition, others: list[Condition]) -> None:
    condition.rank = 1
    for rank, other in enumerate((row for row in others if row.id != condition.id), 2):
        other.rank = rank
    db.session.flush()


def _update_diagnosis_text(encounter: Encounter) -> None:
    """Write the titles of the list to `Encounter.diagnosis`, which the API shows."""
    titles = [
        f"{condition.title} ({condition.code})" if condition.code else condition.title
        for condition in conditions_of(encounter.id)
    ]
    encounter.diagnosis = "; ".join(titles)
    encounter.increment_version()
    db.session.flush()


def _get_own_condition(condition_id: int, encounter_id: int | None, by: Person) -> tuple[Condition, Encounter]:
    condition = get_or_not_found(Condition, condition_id)
    if condition.encounter_id is None or condition.status != "final":
        raise NotFound(N_("This diagnosis does not exist."))
    if encounter_id is not None and condition.encounter_id != encounter_id:
        raise NotFound(N_("This diagnosis does not exist."))
    return condition, get_own_draft(condition.encounter_id, by)


@action(Permission.WRITE_ENCOUNTER, "clinical.remove_condition")
def remove_condition(condition_id: int, *, encounter_id: int | None = None, by: Person) -> None:
    """Remove a diagnosis from an open encounter."""
    condition, encounter = _get_own_condition(condition_id, encounter_id, by)
    set_status(condition, EntryStatus.ENTERED_IN_ERROR)
    db.session.flush()
    for rank, other in enumerate(conditions_of(encounter.id), 1):
        other.rank = rank
    _update_diagnosis_text(encounter)


@action(Permission.WRITE_ENCOUNTER, "clinical.make_primary")
def make_primary(condition_id: int, *, encounter_id: int | None = None, by: Person) -> Condition:
    """Make a diagnosis the primary one of its encounter."""
    condition, encounter = _get_own_condition(condition_id, encounter_id, by)
    _move_to_first(condition, conditions_of(encounter.id))
    _update_diagnosis_text(encounter)
    return condition


@action(Permission.WRITE_ENCOUNTER, "clinical.set_certainty")
def set_certainty(condition_id: int, certainty: str, *, encounter_id: int | None = None, by: Person) -> Condition:
    """Set a diagnosis to provisional or confirmed."""
    condition, encounter = _get_own_condition(condition_id, encounter_id, by)
    if certainty not in rules.CERTAINTIES:
        raise RuleBroken(N_("Choose provisional or confirmed."), "certainty")
    condition.certainty = certainty
    encounter.increment_version()
    db.session.flush()
    return condition
