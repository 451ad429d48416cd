"""A NEWS2 whose advice is an emergency call: it is escalated until somebody acknowledges it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from hms.appointments.models import QueueEntry
from hms.clinical.models import Encounter, VitalsReading
from hms.core import clock
from hms.core.db.session import db
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.escalations import actions as escalations
from hms.escalations.actions import CriticalValue
from hms.escalations.models import Escalation
from hms.patients.models import Patient

from .readings import to_reading
from .urgency import HIGH_RISK

SUBJECT = "NEWS2"
RECENT = timedelta(hours=12)
"""Older vitals, entered late, are not escalated: NEWS2 asks to repeat the lowest risk after twelve hours."""


def escalate(row: VitalsReading, patient: Patient, by: Person) -> Escalation | None:
    """Begin the escalation of vitals that were just recorded, when their NEWS2 is high."""
    score = to_reading(row, patient.birth_date).news2
    if score is None or score.band != HIGH_RISK or row.taken_at < clock.now() - RECENT:
        return None
    critical = CriticalValue(
        patient_id=row.patient_id,
        subject=SUBJECT,
        value=str(score.total),
        number=Decimal(score.total),
        title=N_("Critical vital signs recorded"),
        vitals_reading_id=row.id,
        encounter_id=row.encounter_id,
        doctor_id=_find_doctor_id(row),
    )
    return escalations.begin(critical, by=by)


def _find_doctor_id(row: VitalsReading) -> int | None:
    """The doctor of the encounter, else the doctor for whom the patient waits."""
    if row.encounter_id is not None:
        return db.session.scalar(select(Encounter.doctor_id).where(Encounter.id == row.encounter_id))
    return db.session.scalar(select(QueueEntry.doctor_id).where(QueueEntry.id == row.queue_entry_id))


def correct(former: VitalsReading, present: VitalsReading, by: Person) -> None:
    """Vitals were corrected: end the escalation of the former ones, and tell everybody who was told of them."""
    begun = db.session.scalars(select(Escalation).filter_by(vitals_reading_id=present.id)).one_or_none()
    escalations.correct(
        vitals_reading_id=former.id,
        present=begun,
        title=N_("Critical vital signs corrected"),
        message=N_("The earlier values were wrong. Read the new values before you act."),
        url=f"/encounters/{present.encounter_id}" if present.encounter_id else f"/patients/{present.patient_id}",
        by=by,
    )
