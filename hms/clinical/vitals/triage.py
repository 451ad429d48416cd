"""Triage of waiting patients: vital signs, urgency, allergy status, call to the doctor."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from hms.appointments.models import QueueEntry
from hms.appointments.queue import actions as queue
from hms.clinical.models import VitalsReading
from hms.core.actions import action
from hms.core.db.session import get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_, Sentence
from hms.core.web.localisation import in_english
from hms.messages.actions import notify
from hms.patients.allergies import actions as patients
from hms.patients.models import Patient
from hms.staff import directory as staff

from . import readings, rules
from .actions import record_vitals

CALL_REASONS: dict[str, str] = {
    "looks_ill": _l("looks very ill"),
    "breathing": _l("breathing"),
    "blood_pressure": _l("blood pressure or pulse"),
    "bleeding": _l("bleeding"),
    "fits": _l("fits or not awake"),
    "pain": _l("severe pain"),
    "labour": _l("labour"),
}
SIGNS_WITH_RANGE = ("temperature", "systolic", "pulse", "respiratory_rate", "oxygen_saturation")


@action(Permission.RECORD_VITALS, "clinical.triage")
def triage(
    entry_id: int, *, priority: str = "", has_no_allergies: bool = False, by: Person, **typed: Any
) -> VitalsReading:
    """Record the vital signs of a queue entry (as `record_vitals`), a changed urgency and "no known allergies", all in one
    transaction. A `priority` other than the entry's is the nurse's own choice and stays also after critical values."""
    entry = get_or_not_found(QueueEntry, entry_id)
    is_chosen = bool(priority) and priority != str(entry.priority)
    reading = record_vitals(entry.patient_id, queue_entry_id=entry_id, by=by, **typed)
    if is_chosen:
        queue.set_priority(entry_id, priority, by=by)
    if has_no_allergies:
        patients.confirm_no_allergies(entry.patient_id, by=by)
    return reading


@action(Permission.RECORD_VITALS, "clinical.call_doctor")
def call_doctor(entry_id: int, *, reason: str, by: Person) -> int:
    """Send an urgent alert to the patient's doctor, or to all doctors; returns the number of recipients.

    Raises `RuleBroken` when there is no doctor with an open account.
    """
    if reason not in CALL_REASONS:
        raise RuleBroken(N_("Choose the reason for calling the doctor."), "call_reason")
    entry = get_or_not_found(QueueEntry, entry_id)
    doctor_ids = [entry.doctor_id] if entry.doctor_id is not None else [doctor.id for doctor in staff.doctors()]
    if not doctor_ids:
        raise RuleBroken(N_("No doctor has an open account. Call a doctor by telephone."), "call_reason")
    message = N_("%(name)s asks you to come: token %(token)s, %(why)s")
    title = in_english(Sentence(message, name=by.name, token=entry.token, why=CALL_REASONS[reason]))
    for doctor_id in doctor_ids:
        notify(
            doctor_id,
            title=title,
            url=f"/patients/{entry.patient_id}",
            kind="urgent",
            by=by,
        )
    return len(doctor_ids)


def usual_ranges(patient: Patient) -> list[tuple[str, str]]:
    """Label and usual range of vital signs at the patient's age, shown above the fields."""
    age = readings.age_years(patient.birth_date)
    ranges = []
    for key in SIGNS_WITH_RANGE:
        band, vital = rules.usual_range(key, age), rules.vitals()[key]
        if band is not None:
            ranges.append((vital.label, f"{band.text} {vital.unit}"))
    return ranges
