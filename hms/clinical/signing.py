"""Signing encounters. A signature is one transaction: note, prescriptions, charge and queue entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from hms.appointments.models import Appointment, QueueEntry, VisitType
from hms.appointments.queue import actions, transitions
from hms.billing.bills import charges as billing
from hms.billing.follow_ups import queries as follow_ups
from hms.core import clock
from hms.core import drafts as core_drafts
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.folding import folded
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.alerts import CheckResult
from hms.formulary.safety.reasons import Reason, list_questions
from hms.patients.models import Patient

from .diagnoses.actions import to_diagnoses
from .diagnoses.queries import conditions_of
from .encounters import drafts as encounter_drafts
from .encounters import rules
from .encounters.actions import encounter_state
from .enums import EncounterStatus, PrescriptionStatus
from .models import Condition, Encounter, Prescription
from .prescriptions import patient_context
from .prescriptions.given_reasons import NO_REASONS, WITHOUT_REASON, GivenReasons, read_reasons
from .prescriptions.open_questions import OpenQuestion, collect_questions
from .prescriptions.order import Order, run_checks
from .prescriptions.stored_checks import checks_to_json

IN_QUEUE = ("waiting", "called", "in_service")
BOOKED = ("scheduled", "checked_in", "in_service")


@action(Permission.WRITE_ENCOUNTER, "clinical.sign")
def sign(
    encounter_id: int,
    *,
    version: int | None = None,
    patient_id: int | None = None,
    no_diagnosis_reason: str = "",
    birth_year: str | None = None,
    override_code: str = "",
    override_reason: str = "",
    reasons: Mapping[str, Reason] = NO_REASONS,
    by: Person,
) -> Encounter:
    """Sign one's own open encounter.

    The note becomes final, prescriptions go to the pharmacy, the consultation is charged and the queue entry is completed.
    `birth_year` is the year typed on a page that asks for it (`must_ask_birth_year`), else None. `reasons` are the
    reasons, by the keys of the questions, that the prescriptions have not got yet; `override_code` and `override_reason` are
    the reason of those without one of their own, but for stops. Raises `StaleVersion` for an old `version`, `Conflict` for a
    signed or withdrawn encounter or another `patient_id`, `NotAllowed` for a colleague's encounter, and `RuleBroken` when
    something is missing or a finding has no reason.
    """
    encounter = get_for_update(Encounter, encounter_id)
    if version is not None and version != encounter.version:
        raise StaleVersion(STALE_MESSAGE)
    if patient_id is not None and patient_id != encounter.patient_id:
        raise Conflict(N_("This page was opened for another patient. Nothing was saved."), code="wrong_patient")
    if no_diagnosis_reason:
        encounter.no_diagnosis_reason = no_diagnosis_reason
    patient = db.session.get(Patient, encounter.patient_id)
    _check_can_sign(encounter, by)
    if birth_year is not None and patient.birth_date is not None:
        rules.check_birth_year(birth_year, patient.birth_date.year)
    lines = draft_prescriptions(encounter_id)
    _repeat_safety_checks(lines, encounter, reasons, Reason(override_code, override_reason), by)
    _store_signature(encounter, lines, by)
    _notify_other_desks(encounter, bool(lines), by)
    return encounter


def _check_can_sign(encounter: Encounter, by: Person) -> None:
    """Check the rules of signing; a diagnosis sent only as text is added to the list first."""
    if encounter.status == "entered_in_error":
        raise Conflict(N_("This encounter was withdrawn."), code="withdrawn")
    conditions = conditions_of(encounter.id)
    if not conditions and encounter.diagnosis.strip() and encounter_state(encounter) == rules.DRAFT:
        conditions = [_add_condition_from_text(encounter, by)]
    try:
        rules.check_can_sign(
            encounter_state(encounter),
            is_author=encounter.doctor_id == by.id,
            notes=encounter.notes or encounter.chief_complaint,
            diagnoses=to_diagnoses(conditions),
            no_diagnosis_reason=encounter.no_diagnosis_reason,
        )
    except RuleBroken as refusal:
        if refusal.code == "signed":
            raise Conflict.from_error(refusal, code="signed") from refusal
        if refusal.code == "not_author":
            raise NotAllowed.from_error(refusal) from refusal
        raise


def _add_condition_from_text(encounter: Encounter, by: Person) -> Condition:
    first = encounter.diagnosis.strip().splitlines()[0][: rules.MAX_DIAGNOSIS_LENGTH]
    condition = Condition(patient_id=encounter.patient_id, encounter_id=encounter.id, title=first, recorded_by_id=by.id)
    db.session.add(condition)
    db.session.flush()
    return condition


def draft_prescriptions(encounter_id: int) -> list[Prescription]:
    """The unsigned prescriptions of an encounter, oldest first."""
    query = select(Prescription).where(Prescription.encounter_id == encounter_id, Prescription.status == "draft")
    return list(db.session.scalars(query.order_by(Prescription.id)))


def has_signed_prescriptions(encounter_id: int) -> bool:
    """Whether prescriptions of the encounter were sent to the pharmacy."""
    query = select(Prescription.id).where(
        Prescription.encounter_id == encounter_id, Prescription.signed_at.is_not(None)
    )
    return db.session.scalars(query.limit(1)).first() is not None


def _repeat_safety_checks(
    lines: list[Prescription], encounter: Encounter, reasons: Mapping[str, Reason], for_all: Reason, by: Person
) -> None:
    """Repeat the safety checks, because allergies and medicines may be new since a line was written. A reason holds for a
    finding wherever it is: two lines that interact are asked about once."""
    known = _known_reasons(lines) | dict(reasons)
    for line, checks in _recheck(lines, encounter):
        line.checks = checks_to_json(checks)
        own = Reason(line.override_code, line.override_reason) if line.override_code and not line.reasons else None
        given = GivenReasons(known, own or for_all, is_signed=True, answers_stops=own is not None)
        for name, value in (WITHOUT_REASON | given.columns(checks, by)).items():
            setattr(line, name, value)


def _known_reasons(lines: Iterable[Prescription]) -> dict[str, Reason]:
    return {key: reason for line in lines for key, reason in read_reasons(line.reasons).items()}


def _recheck(lines: list[Prescription], encounter: Encounter) -> Iterator[tuple[Prescription, tuple[CheckResult, ...]]]:
    if not lines:
        return
    products = formulary.get_medications_by_id(line.medication_id for line in lines if line.medication_id)
    context = patient_context.load_safety_context(encounter.patient_id, encounter.id)
    for line in lines:
        ordered = Order(products.get(line.medication_id), line.medication_name, patient_context.dose_of(line))
        yield line, run_checks(ordered, encounter.patient_id, encounter.id, except_id=line.id, known=context)


def find_open_questions(encounter: Encounter) -> list[OpenQuestion]:
    """What needs a reason before signing and has none, from checks that are made now."""
    lines = draft_prescriptions(encounter.id)
    known = _known_reasons(lines)
    return collect_questions(
        (line.medication_name, [question for question in list_questions(checks) if question.key not in known])
        for line, checks in _recheck(lines, encounter)
    )


def _store_signature(encounter: Encounter, lines: list[Prescription], by: Person) -> None:
    now = clock.now()
    for line in lines:
        set_status(line, PrescriptionStatus.ACTIVE)
        line.signed_at, line.prescriber_id = now, by.id
    set_status(encounter, EncounterStatus.SIGNED)
    encounter.signed_at = encounter.ended_at = now
    encounter.signed_by_id = by.id
    encounter.increment_version()
    db.session.flush()
    encounter_drafts.remove_recorded(encounter, by)


def _notify_other_desks(encounter: Encounter, has_lines: bool, by: Person) -> None:
    billing.add_charge(
        encounter.patient_id,
        code=settings.value("billing.consultation_item"),
        description=N_("Consultation"),
        source="encounter",
        source_id=encounter.id,
        encounter_id=encounter.id,
        free_of_line_id=_find_paid_consultation(encounter),
        by=by,
    )
    _finish_visit(encounter, by)
    publish(Event.ENCOUNTER_SIGNED)
    if has_lines:
        publish(Event.PRESCRIPTION_SIGNED)


def _find_paid_consultation(encounter: Encounter) -> int | None:
    """The bill line of the paid consultation that makes this follow-up free; None when the visit is charged."""
    if not settings.value("billing.follow_up_days") or encounter.appointment_id is None:
        return None
    booked = select(VisitType.is_follow_up).join(Appointment, Appointment.visit_type_id == VisitType.id)
    if not db.session.scalar(booked.where(Appointment.id == encounter.appointment_id)):
        return None
    window = follow_ups.lock_free_window(encounter.patient_id)
    return None if window is None else window.line_id


def _finish_visit(encounter: Encounter, by: Person) -> None:
    """Complete the queue entry, or the appointment when there is no open queue entry."""
    if encounter.queue_entry_id is not None:
        entry = db.session.get(QueueEntry, encounter.queue_entry_id)
        if entry.status in IN_QUEUE:
            actions.finish_service(entry.id, by=by)
            return
    if encounter.appointment_id is not None:
        booking = db.session.get(Appointment, encounter.appointment_id)
        if booking.status in BOOKED and booking.withdrawn_at is None and booking.date <= clock.today():
            transitions.change_appointment_status(booking.id, "completed", by=by)


def must_ask_birth_year(patient: Patient, by: Person) -> bool:
    """Whether signing asks for the year of birth.

    It does when `by` has unsaved text of another patient's encounter today, or a patient of the same name is in the queue.
    """
    return must_ask_birth_year_of(db.session.execute(_other_patients(), other_patient_values(patient, by)).one())


def must_ask_birth_year_of(row: Any) -> bool:
    """`must_ask_birth_year` for a row with the `other_patient_columns`."""
    return rules.must_retype_birth_year(has_other_unsaved_encounter=row.unsaved, has_same_name_in_queue=row.twin)


@cache
def _other_patients() -> Select:
    return select(*other_patient_columns())


def other_patient_values(patient: Patient, by: Person) -> dict[str, Any]:
    """The values of the parameters in `other_patient_columns`."""
    today = clock.today()
    values = {"person_id": by.id, "patient_id": patient.id, "today": today, "since": clock.day_bounds(today)[0]}
    return values | {"family_name": patient.family_name, "given_names": patient.given_names}


def other_patient_columns() -> tuple[ColumnElement[bool], ...]:
    """Two booleans: `unsaved` text for another patient, and another patient of this name in the queue (`twin`)."""
    patient_id = bindparam("patient_id")
    unsaved = (
        select(Encounter.id)
        .join(core_drafts.Draft, core_drafts.Draft.form == func.concat("encounter:", Encounter.id))
        .where(
            core_drafts.Draft.person_id == bindparam("person_id"),
            core_drafts.Draft.saved_at >= bindparam("since"),
            Encounter.status == "in_progress",
            Encounter.patient_id != patient_id,
        )
    )
    twin = (
        select(QueueEntry.id)
        .join(Patient, Patient.id == QueueEntry.patient_id)
        .where(
            QueueEntry.service_date == bindparam("today"),
            QueueEntry.status.in_(IN_QUEUE),
            Patient.id != patient_id,
            func.hms_fold(Patient.family_name) == folded(bindparam("family_name")),
            func.hms_fold(Patient.given_names) == folded(bindparam("given_names")),
        )
    )
    return unsaved.exists().label("unsaved"), twin.exists().label("twin")
