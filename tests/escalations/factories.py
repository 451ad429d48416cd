"""Critical values of patients, recorded at a time of the test's choice."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select

from hms.clinical.models import VitalsReading
from hms.clinical.vitals import actions as vitals
from hms.core import clock
from hms.core.db.session import db
from hms.escalations.models import Escalation, EscalationAlert, EscalationStep
from hms.lab import actions as lab
from hms.staff.models import User
from tests.clinical.factories import a_patient, an_encounter, waiting

VERY_ILL = {
    **{"temperature": "39.5", "blood_pressure": "88/50", "pulse": "135", "respiratory_rate": "28"},
    **{"oxygen_saturation": "89", "on_oxygen": False, "consciousness": "alert"},
}
NEWS2 = "14"
WELL = VERY_ILL | {
    **{"temperature": "37.0", "blood_pressure": "120/80", "pulse": "75", "respiratory_rate": "16"},
    "oxygen_saturation": "98",
}


def very_ill(nurse: Any, doctor_id: int | None = None, **more: Any) -> VitalsReading:
    """The vitals of a patient who waits for a doctor, or for any; their NEWS2 is `NEWS2`."""
    patient = a_patient(**more)
    entry = waiting(patient, doctor_id=doctor_id)
    return vitals.record_vitals(patient.id, queue_entry_id=entry.id, is_confirmed=True, by=nurse, **VERY_ILL)


def a_critical_result(doctor: Any, lab_person: Any, value: str = "3.1", **more: Any) -> int:
    """A critical haemoglobin; returns the id of the order."""
    order = lab.order_test(an_encounter(doctor, a_patient(**more)).id, code="HB", by=doctor)
    lab.enter_results(order.id, {"HB": value}, by=lab_person)
    return order.id


def all_of_them() -> list[Escalation]:
    query = select(Escalation).order_by(Escalation.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def told(escalation_id: int) -> list[tuple[int, str]]:
    """(minutes, username) of everybody who was told, in order."""
    query = (
        select(EscalationStep.minutes, User.username)
        .select_from(EscalationAlert)
        .join(EscalationStep, EscalationStep.id == EscalationAlert.step_id)
        .join(User, User.id == EscalationAlert.user_id)
    )
    rows = query.where(EscalationStep.escalation_id == escalation_id).order_by(EscalationAlert.id)
    return [tuple(row) for row in db.session.execute(rows)]


def minutes_ago(minutes: int) -> dt.datetime:
    return clock.now() - dt.timedelta(minutes=minutes)
