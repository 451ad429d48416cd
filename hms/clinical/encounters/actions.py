"""Start and write encounters, add addenda. `clinical.signing` signs and withdraws them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from hms.appointments.models import Appointment, QueueEntry
from hms.appointments.queue import actions as queue
from hms.clinical.models import Addendum, Encounter, VitalsReading
from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action, audit_nested_actions
from hms.core.db.fixed_words import fixed_words
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.patients import lookup as patients
from hms.patients.access import policy
from hms.patients.merging.actions import merge_guards
from hms.patients.records.actions import withdrawal_guards

from . import queries, rules

TEXTS = {"chief_complaint": 1000, "notes": 20_000, "diagnosis": 10_000, "plan": 10_000, "no_diagnosis_reason": 500}
WAITING = ("waiting", "called")


@action(Permission.WRITE_ENCOUNTER, "clinical.start_encounter")
def start_encounter(
    *,
    queue_entry_id: int | None = None,
    patient_id: int | None = None,
    appointment_id: int | None = None,
    is_new: bool = False,
    by: Person,
) -> Encounter:
    """Return the open encounter of a visit, or start one for `by` (`is_new`: always start one).

    Give `queue_entry_id` or `patient_id`. With only the patient, the patient's queue entry of today is used when there is
    one. Raises `RuleBroken` when the ids are missing or belong to different patients.
    """
    entry = _queue_entry(queue_entry_id, patient_id, appointment_id, by)
    if patient_id is None and entry is not None:
        patient_id = entry.patient_id
    if patient_id is None:
        raise RuleBroken(N_("Choose the patient."), "patient")
    policy.check(patients.access_facts(patient_id), by)
    check_same_patient(patient_id, queue_entry=queue_entry_id, fields={"queue_entry": "entry"})
    encounter, entry = _find_or_make(patient_id, entry, appointment_id, is_new=is_new, by=by)
    if encounter.id is None:
        _insert(encounter, entry, by)
    return encounter


def _find_or_make(
    patient_id: int, entry: QueueEntry | None, appointment_id: int | None, *, is_new: bool, by: Person
) -> tuple[Encounter, QueueEntry | None]:
    """The open encounter of the visit; or a new one that is not inserted yet, with the queue entry that it begins."""
    _check_appointment(appointment_id, patient_id)
    if entry is not None and appointment_id is None:
        appointment_id = entry.appointment_id
    if entry is not None or not is_new:
        existing = _open_encounter(patient_id, entry, by)
        if existing is not None and not is_new:
            return existing, None
        entry = None if existing is not None else entry
    encounter = Encounter(
        patient_id=patient_id,
        queue_entry_id=entry.id if entry else None,
        appointment_id=appointment_id,
        doctor_id=by.id,
        performer_name=by.name,
        started_at=clock.now(),
    )
    return encounter, entry


def _insert(encounter: Encounter, entry: QueueEntry | None, by: Person) -> None:
    db.session.add(encounter)
    db.session.flush()
    if entry is not None:
        _start_visit(encounter, entry, by)


@action(Permission.WRITE_ENCOUNTER, "clinical.begin_written")
def start_encounter_with_texts(
    *, patient_id: int, appointment_id: int | None = None, by: Person, **texts: Any
) -> Encounter:
    """Start a new encounter and write its texts (`TEXTS`) in one action, for the API."""
    policy.check(patients.access_facts(patient_id), by)
    entry = _queue_entry(None, patient_id, appointment_id, by)
    encounter, entry = _find_or_make(patient_id, entry, appointment_id, is_new=True, by=by)
    _set_texts(encounter, texts)
    _insert(encounter, entry, by)
    return encounter


def _queue_entry(
    queue_entry_id: int | None, patient_id: int | None, appointment_id: int | None, by: Person
) -> QueueEntry | None:
    if queue_entry_id is not None:
        return get_for_update(QueueEntry, queue_entry_id)
    if patient_id is None:
        return None
    entry = db.session.scalars(_entry_of_day(), {"patient_id": patient_id, "day": clock.today()}).one_or_none()
    if entry is None or entry.doctor_id not in (None, by.id):
        return None
    return entry if appointment_id in (None, entry.appointment_id) else None


@cache
def _entry_of_day() -> Select:
    query = select(QueueEntry).where(
        QueueEntry.patient_id == bindparam("patient_id"),
        QueueEntry.service_date == bindparam("day"),
        QueueEntry.status.in_(fixed_words((*WAITING, "in_service"))),
    )
    return query.with_for_update()


def _open_encounter(patient_id: int, entry: QueueEntry | None, by: Person) -> Encounter | None:
    """The encounter of the queue entry; without an entry, the open encounter that `by` started today."""
    query = select(Encounter).where(Encounter.patient_id == patient_id, Encounter.status != "entered_in_error")
    if entry is not None:
        query = query.where(Encounter.queue_entry_id == entry.id)
    else:
        begins, _ends = clock.day_bounds(clock.today())
        query = query.where(
            Encounter.status == "in_progress", Encounter.doctor_id == by.id, Encounter.started_at >= begins
        )
    return db.session.scalars(query.order_by(Encounter.id.desc()).limit(1)).one_or_none()


def _check_appointment(appointment_id: int | None, patient_id: int) -> None:
    if appointment_id is None:
        return
    booking = db.session.get(Appointment, appointment_id)
    if booking is None or booking.withdrawn_at is not None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "appointment", id=appointment_id)
    check_same_patient(patient_id, appointment=appointment_id)


def _start_visit(encounter: Encounter, entry: QueueEntry, by: Person) -> None:
    """Set the queue entry to in service, and link the vitals of the visit to the encounter."""
    if entry.status in WAITING:
        queue.start_service(entry.id, by=by)
    measured = update(VitalsReading).where(
        VitalsReading.queue_entry_id == entry.id, VitalsReading.encounter_id.is_(None)
    )
    db.session.execute(measured.values(encounter_id=encounter.id))


def get_own_draft(encounter_id: int, by: Person, version: int | None = None) -> Encounter:
    """Lock and return an open encounter of `by`.

    Raises `Conflict` for a signed encounter, `NotAllowed` for a colleague's, `StaleVersion` for an old `version`.
    """
    encounter = get_for_update(Encounter, encounter_id)
    check_writable(encounter, by)
    if version is not None and version != encounter.version:
        raise StaleVersion(STALE_MESSAGE)
    return encounter


def check_writable(encounter: Encounter, by: Person) -> None:
    """Raise `Conflict` for a signed encounter, `NotAllowed` for a colleague's."""
    try:
        rules.check_can_edit(encounter_state(encounter), is_author=encounter.doctor_id == by.id)
    except RuleBroken as refusal:
        if refusal.code == "not_author":
            raise NotAllowed.from_error(refusal) from refusal
        raise Conflict.from_error(refusal, code=refusal.code) from refusal


def encounter_state(encounter: Any) -> str:
    """The state in `rules`: draft, or signed for every other status."""
    return rules.DRAFT if encounter.status == "in_progress" else rules.SIGNED


@action(Permission.WRITE_ENCOUNTER, "clinical.save_encounter")
def save_encounter(
    encounter_id: int,
    *,
    version: int | None = None,
    patient_id: int | None = None,
    then: Callable[[Encounter], object] | None = None,
    by: Person,
    **texts: Any,
) -> Encounter:
    """Write the texts (`TEXTS`) and `follow_up_on` of one's own open encounter, then call `then` in the same transaction.

    `patient_id` is the patient of the page that was filled in. Raises `Conflict` when it is not the encounter's patient,
    `StaleVersion` for an old `version`.
    """
    encounter = get_own_draft(encounter_id, by, version)
    if patient_id is not None and patient_id != encounter.patient_id:
        raise Conflict(N_("This page was opened for another patient. Nothing was saved."), code="wrong_patient")
    _set_texts(encounter, texts)
    if db.session.is_modified(encounter):
        encounter.increment_version()
    if then is not None:
        with audit_nested_actions():
            then(encounter)
    db.session.flush()
    return encounter


def _set_texts(encounter: Encounter, texts: dict[str, Any]) -> None:
    for name, longest in TEXTS.items():
        if texts.get(name) is not None:
            setattr(encounter, name, clean_field(texts[name], name, longest=longest, multiline=True))
    if "follow_up_on" in texts:
        encounter.follow_up_on = _check_follow_up(texts["follow_up_on"])
    if "appointment_id" in texts:
        _check_appointment(texts["appointment_id"], encounter.patient_id)
        encounter.appointment_id = texts["appointment_id"]


def _check_follow_up(day: date | None) -> date | None:
    if day is not None and not 0 <= (day - clock.today()).days <= 731:
        raise RuleBroken(N_("Enter a follow-up date from today, at most two years ahead."), "follow_up_on")
    return day


@action(Permission.ADD_ADDENDUM, "clinical.add_addendum")
def add_addendum(encounter_id: int, *, text: str, by: Person) -> Addendum:
    """Add an addendum to a signed encounter; the signed note does not change."""
    encounter = queries.get_encounter(encounter_id, by)
    addendum = Addendum(
        encounter_id=encounter.id, author_id=by.id, text=rules.check_addendum(encounter_state(encounter), text)
    )
    db.session.add(addendum)
    db.session.flush()
    return addendum


def _check_no_open_encounter(patient_id: int) -> None:
    if db.session.scalars(select(Encounter.id).filter_by(patient_id=patient_id, status="in_progress")).first():
        message = N_("This patient has an encounter that is not signed. Sign it or withdraw it first.")
        raise Conflict(message, code="open_encounter")


withdrawal_guards.append(_check_no_open_encounter)
merge_guards.append(_check_no_open_encounter)
