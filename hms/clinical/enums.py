"""The states of encounters, prescriptions, diagnoses and readings of vital signs, and the kinds of documents."""

from __future__ import annotations

from enum import StrEnum


class EncounterStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    SIGNED = "signed"
    ENTERED_IN_ERROR = "entered_in_error"


ENCOUNTER_TRANSITIONS = {
    EncounterStatus.IN_PROGRESS: frozenset({EncounterStatus.SIGNED, EncounterStatus.ENTERED_IN_ERROR}),
    EncounterStatus.SIGNED: frozenset({EncounterStatus.ENTERED_IN_ERROR}),
    EncounterStatus.ENTERED_IN_ERROR: frozenset({EncounterStatus.IN_PROGRESS, EncounterStatus.SIGNED}),
}
"""The states that may follow each one. A signature is final; `restore_encounter` undoes "entered in error"."""


class PrescriptionStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    PART_DISPENSED = "part_dispensed"
    COMPLETED = "completed"
    STOPPED = "stopped"
    ENTERED_IN_ERROR = "entered_in_error"


_ENDS = frozenset({PrescriptionStatus.COMPLETED, PrescriptionStatus.STOPPED})
_IN_ERROR = frozenset({PrescriptionStatus.ENTERED_IN_ERROR})
PRESCRIPTION_TRANSITIONS = {
    PrescriptionStatus.DRAFT: frozenset({PrescriptionStatus.ACTIVE}) | _IN_ERROR,
    PrescriptionStatus.ACTIVE: frozenset({PrescriptionStatus.ON_HOLD, PrescriptionStatus.PART_DISPENSED})
    | _ENDS
    | _IN_ERROR,
    PrescriptionStatus.ON_HOLD: frozenset({PrescriptionStatus.ACTIVE, PrescriptionStatus.PART_DISPENSED})
    | _ENDS
    | _IN_ERROR,
    PrescriptionStatus.PART_DISPENSED: frozenset({PrescriptionStatus.ACTIVE, PrescriptionStatus.ON_HOLD}) | _ENDS,
    PrescriptionStatus.COMPLETED: frozenset({PrescriptionStatus.ACTIVE, PrescriptionStatus.PART_DISPENSED}) | _IN_ERROR,
    PrescriptionStatus.STOPPED: _IN_ERROR,
    PrescriptionStatus.ENTERED_IN_ERROR: frozenset(
        {PrescriptionStatus.DRAFT, PrescriptionStatus.ACTIVE, PrescriptionStatus.ON_HOLD}
    )
    | _ENDS,
}
"""The states that may follow each one. Back from completed: a medicine was returned. What was dispensed is never entered in
error; `withdraw_prescription` checks the quantity. Back from entered in error: only with the whole encounter."""


class EntryStatus(StrEnum):
    """Whether a diagnosis or a reading of vital signs is right, or was entered in error."""

    FINAL = "final"
    ENTERED_IN_ERROR = "entered_in_error"


ENTRY_TRANSITIONS = {
    EntryStatus.FINAL: frozenset({EntryStatus.ENTERED_IN_ERROR}),
    EntryStatus.ENTERED_IN_ERROR: frozenset[EntryStatus](),
}
"""The states that may follow each one. What was entered in error stays so; it is entered again instead."""


class IssuedKind(StrEnum):
    """A document that is handed out after a visit."""

    PRESCRIPTION = "prescription"
    REFERRAL_LETTER = "referral_letter"
    SICK_NOTE = "sick_note"
    VISIT_SUMMARY = "visit_summary"
