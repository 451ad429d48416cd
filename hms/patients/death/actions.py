"""Record the death of a patient, correct it, take it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.messages.outgoing.actions import recipient_checks
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.enums import DeathStatus
from hms.patients.models import Death, Patient

from . import queries, rules

death_listeners: list[Callable[[int], None]] = []
"""Called with the patient's id, in the action, when a record says from now on that the patient has died; desks above end
what only the living need."""


@action(Permission.RECORD_DEATH, "patients.record_death")
def record_death(patient_id: int, *, died_on: date | None, place: str = "", cause: str = "", by: Person) -> Death:
    """Record that the patient has died, on a day or on one that is not known (None). Open bookings are cancelled and the
    patient leaves the queue.

    Raises `Conflict` when a death is recorded already, `RecordRestricted` for a record that is closed to `by`.
    """
    patient = _lock(patient_id, by)
    if patient.has_died:
        raise Conflict(N_("The death of this patient is recorded already. Correct it there."), code="recorded_already")
    death = Death(patient_id=patient.id)
    _write(death, patient, died_on, place, cause, by)
    end_what_is_open(patient.id)
    return death


@action(Permission.RECORD_DEATH, "patients.correct_death")
def correct_death(
    patient_id: int,
    *,
    died_on: date | None,
    place: str = "",
    cause: str = "",
    reason: str,
    version: int | None = None,
    by: Person,
) -> Death:
    """Correct what is recorded of a death, with the reason. Also for the death of an imported record, which has only a day.

    Raises `NotFound` for a patient who has not died, `StaleVersion` when `version` is not the present one (0: no details).
    """
    patient, why = _lock(patient_id, by), clean_reason(reason, longest=rules.MAX_REASON_LENGTH)
    queries.check_has_died(patient)
    death = queries.get_details(patient)
    if version is not None and version != (death.version if death else 0):
        raise StaleVersion(STALE_MESSAGE)
    if death is None:
        death = Death(patient_id=patient.id)
    else:
        death.increment_version()
    death.reason = why
    _write(death, patient, died_on, place, cause, by)
    return death


@action(Permission.RECORD_DEATH, "patients.take_back_death")
def take_back_death(patient_id: int, *, reason: str, by: Person) -> Patient:
    """Say that the patient has not died, with the reason. Bookings that were cancelled stay cancelled.

    Raises `NotFound` for a patient without a recorded death.
    """
    patient, why = _lock(patient_id, by), clean_reason(reason, longest=rules.MAX_REASON_LENGTH)
    queries.check_has_died(patient)
    death = queries.get_details(patient)
    if death is None:
        death = Death(patient_id=patient.id, died_on=patient.deceased_on, died_text=patient.deceased_text)
        db.session.add(death)
        db.session.flush()
    death.reason, death.recorded_by_id = why, by.id
    set_status(death, DeathStatus.TAKEN_BACK)
    death.increment_version()
    _set_death(patient, None, "")
    return patient


def end_what_is_open(patient_id: int) -> None:
    """Let every desk end what is open for a patient who has died. Part of an action."""
    for listener in death_listeners:
        listener(patient_id)


def _lock(patient_id: int, by: Person) -> Patient:
    patient = lookup.patient_for_update(patient_id)
    policy.check(patient, by)
    return patient


def _write(death: Death, patient: Patient, died_on: date | None, place: str, cause: str, by: Person) -> None:
    today = clock.today()
    rules.check_day(died_on, patient.birth_date, is_estimated=patient.birth_is_estimated, today=today)
    for name, value in rules.clean_details(place, cause).items():
        setattr(death, name, value)
    death.died_on, death.died_text = died_on, "" if died_on else rules.UNKNOWN
    death.recorded_by_id = by.id
    db.session.add(death)
    _set_death(patient, death.died_on, death.died_text)


def _set_death(patient: Patient, died_on: date | None, text: str) -> None:
    patient.deceased_on, patient.deceased_text = died_on, text
    patient.increment_version()
    db.session.flush()


def _check_recipient(patient_id: int) -> None:
    if db.session.get_one(Patient, patient_id).has_died:
        raise Conflict(N_("This patient has died. No message is sent."), code="patient_died")


recipient_checks.append(_check_recipient)
