"""Rules of encounters, their diagnoses and their signature.

An encounter is a draft (`in_progress`) until it is signed. A signed encounter does not change; addenda are added to it.
`amended` is not stored: it is a signed encounter with addenda.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence

DRAFT, SIGNED, AMENDED, WITHDRAWN = "in_progress", "signed", "amended", "entered_in_error"
# State: (label, FHIR Encounter.status, FHIR Composition.status)
STATES: dict[str, tuple[str, str, str]] = {
    DRAFT: (_l("Draft"), "in-progress", "preliminary"),
    SIGNED: (_l("Signed"), "finished", "final"),
    AMENDED: (_l("Signed, with addendum"), "finished", "amended"),
    WITHDRAWN: (_l("Entered in error"), "entered-in-error", "entered-in-error"),
}
# FHIR condition-ver-status
CERTAINTIES: dict[str, str] = {"provisional": _l("Provisional"), "confirmed": _l("Confirmed")}

MAX_DIAGNOSES = 20
MAX_DIAGNOSIS_LENGTH = 255
MAX_NOTE_LENGTH = 20_000
MAX_REASON_LENGTH = 500
MIN_ADDENDUM_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis as entered: an ICD-10 `code` or, where that is "", only `text`."""

    text: str
    code: str = ""
    certainty: str = "provisional"
    is_primary: bool = False

    @property
    def is_coded(self) -> bool:
        return bool(self.code)


@dataclass(frozen=True, slots=True)
class Missing:
    """A line of the checklist at the sign button. `blocks`: the encounter cannot be signed without it."""

    field: str
    message: Sentence
    blocks: bool


def _check_not_withdrawn(state: str) -> None:
    if state == WITHDRAWN:
        raise RuleBroken(N_("This encounter was entered in error. Open a new one."), code="entered_in_error")


def check_can_edit(state: str, *, is_author: bool) -> None:
    """Raise `RuleBroken` unless the encounter is a draft and the person is its author."""
    _check_not_withdrawn(state)
    if state != DRAFT:
        raise RuleBroken(N_("This encounter is signed and cannot be changed. Add an addendum."), code="signed")
    if not is_author:
        raise RuleBroken(N_("Only the clinician who opened this encounter can change it."), code="not_author")


def missing_for_signature(
    *,
    notes: str,
    diagnoses: Sequence[Diagnosis],
    no_diagnosis_reason: str = "",
    unanswered_stops: int = 0,
) -> list[Missing]:
    """The checklist before signing, in the order of the page."""
    missing = []
    if not notes.strip() and not diagnoses:
        missing.append(Missing("notes", Sentence(N_("Enter a note or a diagnosis before you sign.")), blocks=True))
    elif not diagnoses and not no_diagnosis_reason.strip():
        missing.append(
            Missing(
                "no_diagnosis_reason", Sentence(N_("Enter a diagnosis, or a reason why there is none.")), blocks=True
            )
        )
    if unanswered_stops:
        message = Sentence(N_("Enter a reason for each serious safety alert: %(count)s."), count=unanswered_stops)
        missing.append(Missing("override_reason", message, blocks=True))
    if any(not diagnosis.is_coded for diagnosis in diagnoses):
        missing.append(Missing("diagnoses", Sentence(N_("A diagnosis has no ICD-10 code.")), blocks=False))
    if not notes.strip() and diagnoses:
        missing.append(Missing("notes", Sentence(N_("The note is empty.")), blocks=False))
    return missing


def check_can_sign(
    state: str,
    *,
    is_author: bool,
    notes: str,
    diagnoses: Sequence[Diagnosis],
    no_diagnosis_reason: str = "",
    unanswered_stops: int = 0,
) -> None:
    """Raise `RuleBroken` at the first reason why the encounter cannot be signed."""
    _check_not_withdrawn(state)
    if state != DRAFT:
        raise RuleBroken(N_("This encounter is already signed. Add an addendum."), code="signed")
    if not is_author:
        raise RuleBroken(N_("Only the clinician who opened this encounter can sign it."), code="not_author")
    check_diagnoses(diagnoses)
    for missing in missing_for_signature(
        notes=notes,
        diagnoses=diagnoses,
        no_diagnosis_reason=no_diagnosis_reason,
        unanswered_stops=unanswered_stops,
    ):
        if missing.blocks:
            raise RuleBroken(missing.message, missing.field)


def must_retype_birth_year(*, has_other_unsaved_encounter: bool, has_same_name_in_queue: bool) -> bool:
    """Whether signing asks for the year of birth, because the page may be the wrong patient's."""
    return has_other_unsaved_encounter or has_same_name_in_queue


def check_birth_year(typed: str, birth_year: int | None) -> None:
    """Raise `RuleBroken` unless the typed year is the patient's year of birth; an unknown year is not checked."""
    if birth_year is None:
        return
    if not typed.strip():
        raise RuleBroken(N_("Enter the year of birth of this patient."), "birth_year")
    if typed.strip() != str(birth_year):
        raise RuleBroken(
            N_("This is not the year of birth of this patient. Check that the right patient is open."), "birth_year"
        )


def check_diagnoses(diagnoses: Sequence[Diagnosis]) -> None:
    """Raise `RuleBroken` (field `diagnoses`) for too many, empty, repeated or too long diagnoses, or two primary ones."""
    if len(diagnoses) > MAX_DIAGNOSES:
        raise _diagnosis_error(N_("An encounter can have at most 20 diagnoses."))
    if sum(diagnosis.is_primary for diagnosis in diagnoses) > 1:
        raise _diagnosis_error(N_("Only one diagnosis can be the primary one."))
    seen = set()
    for diagnosis in diagnoses:
        _check_diagnosis(diagnosis)
        key = diagnosis.code or diagnosis.text.strip().casefold()
        if key in seen:
            raise _diagnosis_error(N_("“%(text)s” is listed twice. Remove one."), text=diagnosis.text or diagnosis.code)
        seen.add(key)


def _check_diagnosis(diagnosis: Diagnosis) -> None:
    if not diagnosis.code and not diagnosis.text.strip():
        raise _diagnosis_error(N_("Choose or enter a diagnosis."))
    if diagnosis.certainty not in CERTAINTIES:
        raise _diagnosis_error(N_("Choose provisional or confirmed."))
    clean_field(diagnosis.text, "diagnoses", longest=MAX_DIAGNOSIS_LENGTH)


def _diagnosis_error(sentence: str, **values: object) -> RuleBroken:
    return RuleBroken(sentence, "diagnoses", **values)


def check_addendum(state: str, text: str) -> str:
    """The cleaned text of an addendum; raises `RuleBroken` when the encounter is a draft or the text is too short."""
    _check_not_withdrawn(state)
    if state == DRAFT:
        raise RuleBroken(N_("This encounter is still a draft. Change it instead of adding an addendum."), "addendum")
    cleaned = clean_field(text, "addendum", longest=MAX_NOTE_LENGTH, multiline=True)
    if len(cleaned) < MIN_ADDENDUM_LENGTH:
        raise RuleBroken(N_("Enter the text of the addendum."), "addendum")
    return cleaned
