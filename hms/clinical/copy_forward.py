"""Copy forward: medicines, problems and notes of earlier visits that the doctor ticks.

Only ticked items are copied. Every medicine is checked again, and a copied note names its source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from hms.core.actions import action
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.cleaning import clean_field
from hms.core.text.formatting import format_date
from hms.core.text.translation import N_, Sentence
from hms.formulary.medicines import queries as formulary

from .diagnoses import actions as diagnosis_actions
from .encounters.actions import TEXTS, get_own_draft, start_encounter
from .models import ICD10, Condition, Encounter, Prescription
from .prescriptions import actions as prescription_actions
from .prescriptions import patient_context

COPIED_BY = {"prescription": "copy_rx", "condition": "copy_dx", "encounter": "copy_note"}
"""The form field of each kind of record."""


@dataclass(frozen=True)
class CopySelection:
    """Ids of the ticked prescriptions and conditions, and of the encounters whose notes are ticked."""

    prescriptions: tuple[int, ...] = ()
    conditions: tuple[int, ...] = ()
    notes: tuple[int, ...] = ()


@action(Permission.WRITE_ENCOUNTER, "clinical.take_over")
def copy_forward(encounter_id: int, ticked: CopySelection, *, by: Person) -> list[Sentence]:
    """Copy the ticked records into one's own draft. Returns a sentence for each record that was not copied.

    Raises `RuleBroken` when nothing is ticked.
    """
    encounter = get_own_draft(encounter_id, by)
    if ticked == CopySelection():
        raise RuleBroken(N_("Tick the items to copy."), "copy_rx")
    sources = {"prescription": ticked.prescriptions, "condition": ticked.conditions, "encounter": ticked.notes}
    check_same_patient(encounter.patient_id, **sources, fields=COPIED_BY)
    not_copied = [
        problem
        for line in _select_records(Prescription, ticked.prescriptions, encounter)
        if (problem := _copy_prescription(line, encounter, by))
    ]
    not_copied += [
        problem
        for condition in _select_records(Condition, ticked.conditions, encounter)
        if (problem := _copy_diagnosis(condition, encounter, by))
    ]
    for visit in _select_records(Encounter, ticked.notes, encounter):
        _copy_note(visit, encounter)
    encounter.increment_version()
    db.session.flush()
    return not_copied


@action(Permission.PRESCRIBE, "clinical.repeat")
def repeat_prescription(prescription_id: int, *, by: Person) -> tuple[Encounter, list[Sentence]]:
    """Prescribe an earlier medicine again in the open encounter of `by`, or in a new one.

    Returns the encounter and a sentence for each record that was not copied.
    """
    line = get_or_not_found(Prescription, prescription_id)
    encounter = start_encounter(patient_id=line.patient_id, by=by)
    return encounter, copy_forward(encounter.id, CopySelection(prescriptions=(line.id,)), by=by)


def _select_records(model: Any, ids: Iterable[int], encounter: Encounter) -> list[Any]:
    """Records with these ids of the encounter's patient, without those entered in error."""
    query = select(model).where(model.id.in_(ids), model.patient_id == encounter.patient_id)
    return list(db.session.scalars(query.where(model.status != "entered_in_error").order_by(model.id)))


def _copy_prescription(line: Prescription, encounter: Encounter, by: Person) -> Sentence | None:
    """Prescribe `line` again with all checks; returns why it was not copied, or None."""
    dose = patient_context.dose_of(line)
    medicine_fields = (
        {"medication_id": line.medication_id} if line.medication_id else {"medication_name": line.medication_name}
    )
    product = formulary.get_medication(line.medication_id) if line.medication_id else None
    if product is not None and not product.is_active:
        return Sentence(N_("%(what)s is no longer in the formulary."), what=line.medication_name)
    if dose is not None:
        medicine_fields["dose"] = dose
    else:
        medicine_fields |= {"dosage": line.dosage, "frequency": line.frequency, "duration": line.duration}
    order_fields = {"instructions": line.instructions, "indication": line.indication, "quantity": line.quantity}
    try:
        prescription_actions.prescribe(encounter.id, by=by, **order_fields, **medicine_fields)
    except RuleBroken as refusal:
        return Sentence(N_("%(what)s was not copied. %(why)s"), what=line.medication_name, why=refusal.sentence)
    return None


def _copy_diagnosis(condition: Condition, encounter: Encounter, by: Person) -> Sentence | None:
    code = condition.code if condition.code_system == ICD10 else ""
    try:
        diagnosis_actions.add_condition(
            encounter.id, text=condition.title, code=code, certainty=condition.certainty, by=by
        )
    except RuleBroken as refusal:
        return Sentence(N_("%(what)s was not copied. %(why)s"), what=condition.title, why=refusal.sentence)
    return None


def _copy_note(visit: Encounter, encounter: Encounter) -> None:
    """Append the note of an earlier visit, each line marked as copied."""
    message = N_("[Copied from the visit of %(day)s, %(doctor)s]")
    known = format_date(visit.started_at) if visit.started_at else N_("an unknown day")
    heading = Sentence(message, day=visit.started_text or known, doctor=visit.performer_name)
    lines = [str(heading), *(f"> {line}".rstrip() for line in visit.notes.splitlines()), N_("[End of the copy]")]
    text = "\n\n".join(part for part in (encounter.notes, "\n".join(lines)) if part)
    encounter.notes = clean_field(text, "notes", longest=TEXTS["notes"], multiline=True)
