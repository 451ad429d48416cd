"""Keep the problem list: add, confirm, resolve, reopen, and take out what was entered in error."""

from __future__ import annotations

from sqlalchemy import select

from hms.clinical.diagnoses import codes, icd10
from hms.clinical.diagnoses.queries import problem_key
from hms.clinical.encounters.rules import CERTAINTIES, MAX_DIAGNOSIS_LENGTH
from hms.clinical.enums import EncounterStatus, EntryStatus
from hms.clinical.models import ICD10, Condition, Encounter
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.patients import lookup
from hms.patients.access import policy

from . import rules

NOT_THERE = N_("This problem is no longer on the list.")


@action(Permission.KEEP_PROBLEMS, "clinical.add_problem")
def add_problem(
    patient_id: int,
    *,
    text: str = "",
    code: str = "",
    certainty: str = "confirmed",
    onset: str = "",
    by: Person,
) -> Condition:
    """Add a problem by its ICD-10 `code` or as `text`, which may be a code too. `onset` is a day, a month or a year, as typed.

    Raises `Conflict` when it is on the list already; one that is resolved is reopened instead.
    """
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    if code and not icd10.normalise_code(code):
        raise RuleBroken(N_("This is not an ICD-10 code. Choose the problem from the list."), "code")
    code_row = codes.get_code(code or text)
    if code and code_row is None:
        raise RuleBroken(N_("This is not an ICD-10 code. Choose the problem from the list."), "code")
    title = code_row.title if code_row else clean_field(text, "text", longest=MAX_DIAGNOSIS_LENGTH)
    if not title:
        raise RuleBroken(N_("Choose or enter the problem."), "text")
    _check_certainty(certainty)
    onset_on, onset_text = rules.parse_onset(onset, clock.today())
    problem = _add(patient_id, title, code_row.code if code_row else "", ICD10 if code_row else "", certainty, by)
    problem.onset_on, problem.onset_text = onset_on, onset_text
    if code_row:
        codes.count_use(code_row.code)
    db.session.flush()
    return problem


@action(Permission.KEEP_PROBLEMS, "clinical.list_diagnosis")
def list_diagnosis(condition_id: int, *, encounter_id: int | None = None, by: Person) -> Condition:
    """Add a visit's diagnosis to the problem list. The visit keeps its own.

    Raises `NotFound` for one of another visit than `encounter_id`, of an encounter that was entered in error, and of a
    colleague's unsigned one.
    """
    patient = lookup.patient_for_update(get_or_not_found(Condition, condition_id).patient_id)
    policy.check(patient, by)
    diagnosis = db.session.get(Condition, condition_id, populate_existing=True)
    if diagnosis is None or not _may_be_listed(diagnosis, by) or encounter_id not in (None, diagnosis.encounter_id):
        raise NotFound(N_("This diagnosis does not exist."))
    problem = _add(patient.id, diagnosis.title, diagnosis.code, diagnosis.code_system, diagnosis.certainty, by)
    problem.onset_on, problem.onset_text = diagnosis.onset_on, diagnosis.onset_text
    db.session.flush()
    return problem


def _may_be_listed(diagnosis: Condition, by: Person) -> bool:
    if diagnosis.is_problem or diagnosis.is_absence or diagnosis.status != EntryStatus.FINAL:
        return False
    if diagnosis.encounter_id is None:
        return True
    encounter = get_or_not_found(Encounter, diagnosis.encounter_id)
    is_own_draft = encounter.status == EncounterStatus.IN_PROGRESS and encounter.doctor_id == by.id
    return is_own_draft or encounter.status == EncounterStatus.SIGNED


def _add(patient_id: int, title: str, code: str, code_system: str, certainty: str, by: Person) -> Condition:
    key = (code, "" if code else title)
    same = (column == value for column, value in zip(problem_key(), key, strict=True))
    listed = select(Condition).where(Condition.patient_id == patient_id, Condition.is_problem, *same)
    known = db.session.scalars(listed.where(Condition.status == EntryStatus.FINAL).limit(1)).first()
    if known is not None:
        message = N_("“%(title)s” is on the problem list already.")
        if known.clinical_status != "active":
            message = N_("“%(title)s” is on the problem list and resolved. Reopen it there.")
        raise Conflict(message, "text", code="already_listed", title=title)
    problem = Condition(
        patient_id=patient_id,
        title=title,
        code=code,
        code_system=code_system,
        certainty=certainty,
        is_problem=True,
        recorded_by_id=by.id,
    )
    db.session.add(problem)
    db.session.flush()
    return problem


def _check_certainty(certainty: str) -> None:
    if certainty not in CERTAINTIES:
        raise RuleBroken(N_("Choose provisional or confirmed."), "certainty")


def get_problem(problem_id: int, by: Person) -> Condition:
    """The problem with its row locked. Raises `NotFound` when it is none, or not on the list any more."""
    problem = get_for_update(Condition, problem_id)
    if not problem.is_problem or problem.status != EntryStatus.FINAL:
        raise NotFound(NOT_THERE)
    policy.check(lookup.patient(problem.patient_id), by)
    return problem


@action(Permission.KEEP_PROBLEMS, "clinical.set_problem_certainty")
def set_certainty(problem_id: int, *, certainty: str, by: Person) -> Condition:
    """Set a problem to provisional or confirmed."""
    problem = get_problem(problem_id, by)
    _check_certainty(certainty)
    problem.certainty = certainty
    db.session.flush()
    return problem


@action(Permission.KEEP_PROBLEMS, "clinical.resolve_problem")
def resolve_problem(problem_id: int, *, resolved_on: str = "", by: Person) -> Condition:
    """Say that a problem is over, on the typed day or today. Raises `Conflict` when it is resolved already."""
    problem = get_problem(problem_id, by)
    if problem.clinical_status == "resolved":
        raise Conflict(N_("This problem is already resolved."), code="resolved")
    problem.abated_on = rules.parse_end(
        resolved_on, rules.first_day(problem.onset_on, problem.onset_text), clock.today()
    )
    problem.clinical_status = "resolved"
    db.session.flush()
    return problem


@action(Permission.KEEP_PROBLEMS, "clinical.reopen_problem")
def reopen_problem(problem_id: int, *, by: Person) -> Condition:
    """Make a resolved or inactive problem active again. Raises `Conflict` when it is active."""
    problem = get_problem(problem_id, by)
    if problem.clinical_status == "active":
        raise Conflict(N_("This problem is active."), code="active")
    problem.clinical_status, problem.abated_on = "active", None
    db.session.flush()
    return problem


@action(Permission.KEEP_PROBLEMS, "clinical.withdraw_problem")
def withdraw_problem(problem_id: int, *, by: Person) -> Condition:
    """Take a problem off the list that was entered in error."""
    problem = get_problem(problem_id, by)
    set_status(problem, EntryStatus.ENTERED_IN_ERROR)
    db.session.flush()
    return problem
