"""Record and correct vital signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from hms.clinical.enums import EntryStatus
from hms.clinical.models import Encounter, VitalsReading
from hms.clinical.reference_ranges import ReferenceRange
from hms.clinical.saturation import queries as saturation
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, joined
from hms.patients.access import policy
from hms.patients.models import Patient

from . import early_warning, news2, readings, rules, urgency, usual_ranges
from .plausibility import PlausibilityWarning, find_alarming_values, find_implausible_changes

CORRECTION_WINDOW = timedelta(hours=24)
MAX_NOTE_LENGTH = 500


class Unconfirmed(RuleBroken):
    """Values that need confirmation (`warnings`); the same values with `is_confirmed` are saved."""

    code = "confirm"

    def __init__(self, warnings: list[PlausibilityWarning]) -> None:
        super().__init__(joined(warning.message for warning in warnings), "is_confirmed")
        self.warnings = warnings


@action(Permission.RECORD_VITALS, "clinical.record_vitals")
def record_vitals(
    patient_id: int,
    *,
    queue_entry_id: int | None = None,
    encounter_id: int | None = None,
    is_confirmed: bool = False,
    taken_at: datetime | None = None,
    by: Person,
    **typed: Any,
) -> VitalsReading:
    """Save one set of vital signs.

    `typed` has values by the keys or API names of `rules.vitals()` (°C, mmHg, /min, %, kg, cm, mmol/L) as text or numbers,
    and `blood_pressure` ("120/80"); also `on_oxygen`, `consciousness`, `is_pregnant`, `note`. Critical values raise the
    patient's priority in the queue; a high NEWS2 is escalated until somebody acknowledges it. Raises `RuleBroken` at the
    first impossible value, `Unconfirmed` for alarming values without `is_confirmed`.
    """
    patient = get_or_not_found(Patient, patient_id)
    policy.check(patient, by)
    if patient.status != "active":
        raise Conflict(N_("This patient's record is no longer in use."), code="withdrawn")
    values = _read_values(typed)
    circumstances = _read_circumstances(typed)
    if not values and not circumstances["note"]:
        raise RuleBroken(N_("Enter at least one value."), "temperature")
    scale = saturation.current_scale(patient_id)
    if not is_confirmed:
        _require_confirmation(patient, values, usual_ranges.saturation_range(scale, on_oxygen=typed.get("on_oxygen")))
    reading = VitalsReading(
        patient_id=patient_id,
        queue_entry_id=queue_entry_id,
        encounter_id=_find_encounter_id(patient_id, encounter_id, queue_entry_id),
        taken_at=taken_at or clock.now(),
        taken_by_id=by.id,
        saturation_scale=scale,
        **values,
        **circumstances,
    )
    db.session.add(reading)
    db.session.flush()
    urgency.move_up(reading, patient)
    early_warning.escalate(reading, patient, by)
    publish(Event.QUEUE_CHANGED)
    return reading


def _read_values(typed: Mapping[str, Any]) -> dict[str, Decimal]:
    values, errors = rules.read_vitals(typed)
    for field, message in errors.items():
        raise RuleBroken(message, field)
    return values


def _read_circumstances(typed: Mapping[str, Any]) -> dict[str, Any]:
    consciousness = typed.get("consciousness") or ""
    if consciousness and consciousness not in news2.CONSCIOUSNESS:
        raise RuleBroken(N_("Choose the level of consciousness."), "consciousness")
    note = clean_field(typed.get("note"), "note", longest=MAX_NOTE_LENGTH, multiline=True)
    return {
        "on_oxygen": typed.get("on_oxygen"),
        "consciousness": consciousness,
        "is_pregnant": typed.get("is_pregnant"),
        "note": note,
    }


def _require_confirmation(
    patient: Patient, values: Mapping[str, Decimal], saturation_range: ReferenceRange | None
) -> None:
    age = readings.age_years(patient.birth_date)
    earlier = readings.last_sizes(patient.id)
    warnings = [
        *find_alarming_values(values, age, saturation=saturation_range),
        *find_implausible_changes(values, clock.today(), age, earlier),
    ]
    if warnings:
        raise Unconfirmed(warnings)


def _find_encounter_id(patient_id: int, encounter_id: int | None, queue_entry_id: int | None) -> int | None:
    """The id of the reading's encounter: the given one, else that of the queue entry, else None."""
    ids = {"encounter": encounter_id, "queue_entry": queue_entry_id}
    check_same_patient(patient_id, **ids, fields={"queue_entry": "entry"})
    if encounter_id is not None or queue_entry_id is None:
        return encounter_id
    query = select(Encounter.id).where(
        Encounter.queue_entry_id == queue_entry_id, Encounter.status != "entered_in_error"
    )
    return db.session.scalars(query).one_or_none()


@action(Permission.RECORD_VITALS, "clinical.correct_vitals")
def correct_vitals(reading_id: int, *, reason: str, by: Person, **typed: Any) -> VitalsReading:
    """Replace one's own reading of the last 24 hours; the old one stays on record with the reason.

    Raises `NotAllowed` for a colleague's or an older reading, `Conflict` when it is already corrected.
    """
    old = get_for_update(VitalsReading, reading_id)
    cleaned = clean_field(reason, "reason", longest=MAX_NOTE_LENGTH)
    if len(cleaned) < 3:
        raise RuleBroken(N_("Enter the reason for the correction."), "reason")
    if old.status != "final":
        raise Conflict(N_("These vitals were already corrected."), code="corrected")
    if old.taken_by_id != by.id or clock.now() - old.taken_at > CORRECTION_WINDOW:
        raise NotAllowed(N_("Only the person who recorded these vitals can correct them, within 24 hours."))
    set_status(old, EntryStatus.ENTERED_IN_ERROR)
    old.status_reason = cleaned
    unchanged = {"queue_entry_id": old.queue_entry_id, "encounter_id": old.encounter_id, "taken_at": old.taken_at}
    reading = record_vitals(old.patient_id, **unchanged, by=by, **typed)
    early_warning.correct(old, reading, by)
    return reading
