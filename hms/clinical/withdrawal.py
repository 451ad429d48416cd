"""Mark encounters and prescriptions as entered in error, and undo it for encounters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select

from hms.billing.corrections import credits
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.models import Patient

from .enums import EncounterStatus, PrescriptionStatus
from .models import Encounter, Prescription

ENTERED_IN_ERROR = N_("The encounter was entered in error.")
"""The reason at the tests and charges that end with an encounter."""

encounter_withdrawals: list[Callable[[int, Person], None]] = []
"""Called with the encounter's id before it is entered in error. Desks above raise `Conflict` when they have done work for it,
and end what still waits."""
encounter_restorations: list[Callable[[int, Person], None]] = []
"""Called with the encounter's id after it was restored. Desks above undo what they did in `encounter_withdrawals`."""


@action(Permission.WITHDRAW_CLINICAL, "clinical.withdraw_encounter")
def withdraw_encounter(encounter_id: int, *, by: Person) -> Encounter:
    """Mark an encounter and its prescriptions as entered in error, take its consultation off the bill, and end what other
    desks still have to do for it; raises `Conflict` after a medicine was dispensed or a result came in."""
    encounter = get_for_update(Encounter, encounter_id)
    if encounter.status == EncounterStatus.ENTERED_IN_ERROR:
        return encounter
    lines = _prescriptions_of(encounter_id)
    if any(line.quantity_dispensed for line in lines):
        raise Conflict(N_("Medicines of this encounter were dispensed. It cannot be withdrawn."), code="has_records")
    for end_work in encounter_withdrawals:
        end_work(encounter.id, by)
    credits.undo_charge(source="encounter", source_id=encounter.id, reason=ENTERED_IN_ERROR, by=by)
    for line in lines:
        if line.status != PrescriptionStatus.ENTERED_IN_ERROR:
            line.status_before = line.status
            set_status(line, PrescriptionStatus.ENTERED_IN_ERROR)
    _set_encounter_status(encounter, EncounterStatus.ENTERED_IN_ERROR)
    return encounter


def _prescriptions_of(encounter_id: int) -> Sequence[Prescription]:
    query = select(Prescription).where(Prescription.encounter_id == encounter_id).order_by(Prescription.id)
    return db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def _set_encounter_status(encounter: Encounter, status: EncounterStatus) -> None:
    set_status(encounter, status)
    encounter.increment_version()
    db.session.flush()
    publish(Event.PRESCRIPTION_CHANGED)


@action(Permission.WITHDRAW_CLINICAL, "clinical.restore_encounter")
def restore_encounter(encounter_id: int, *, by: Person) -> Encounter:
    """Undo `withdraw_encounter`: the encounter, its prescriptions, tests and charges are as before.

    Raises `Conflict` when the patient's record is no longer in use, when the visit has another encounter by now, and when
    a charge of it was credited.
    """
    encounter = get_for_update(Encounter, encounter_id)
    if encounter.status != EncounterStatus.ENTERED_IN_ERROR:
        return encounter
    if get_for_update(Patient, encounter.patient_id).status != "active":
        raise Conflict(N_("This patient's record is no longer in use. Restore the record first."), code="withdrawn")
    is_signed = encounter.signed_at is not None or encounter.external_id is not None
    for line in _prescriptions_of(encounter_id):
        if line.status_before:
            set_status(line, line.status_before)
            line.status_before = ""
    _set_encounter_status(encounter, EncounterStatus.SIGNED if is_signed else EncounterStatus.IN_PROGRESS)
    credits.restore_charge(source="encounter", source_id=encounter.id, reason=ENTERED_IN_ERROR, by=by)
    for restore_work in encounter_restorations:
        restore_work(encounter.id, by)
    return encounter


@action(Permission.WITHDRAW_CLINICAL, "clinical.withdraw_prescription")
def withdraw_prescription(prescription_id: int, *, by: Person) -> Prescription:
    """Mark a prescription as entered in error; raises `Conflict` after a part of it was dispensed."""
    line = get_for_update(Prescription, prescription_id)
    if line.quantity_dispensed:
        raise Conflict(N_("This medicine was dispensed. It cannot be withdrawn."), code="has_records")
    set_status(line, PrescriptionStatus.ENTERED_IN_ERROR)
    db.session.flush()
    publish(Event.PRESCRIPTION_CHANGED)
    return line
