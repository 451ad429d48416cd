"""Begins escalations, does their steps, ends them by an acknowledgement or a correction.

Whoever changes an escalation locks its row first. A step is done in a transaction of its own, with the alerts of all its
people: a clock that is stopped between two steps, or within one, leaves nothing half done.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update

from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.messages import queries as messages
from hms.messages.actions import notify
from hms.patients.records.actions import withdrawal_guards
from hms.staff.directory import display_names

from . import queries, rules
from .enums import EscalationStatus, Group, StepStatus
from .models import Escalation, EscalationAlert, EscalationStep
from .rules import READ_BACK

URGENT = "urgent"
SENT_AS = "staff.escalation"
"""The kind of message in which the alert of a step is sent out."""
STILL_OPEN = N_("Nobody has acknowledged this critical value for %(minutes)s minutes")


@dataclass(frozen=True)
class CriticalValue:
    """A value that must be acknowledged, and whose. Exactly one of `vitals_reading_id` and `lab_result_id` is given.

    `title` is the first alert of it. It is also sent to open pages, so it names neither the patient nor what was measured.
    """

    patient_id: int
    subject: str
    value: str
    number: Decimal | None
    title: str
    vitals_reading_id: int | None = None
    lab_result_id: int | None = None
    encounter_id: int | None = None
    doctor_id: int | None = None


@action(Permission.SIGNED_IN, "escalations.begin")
def begin(critical: CriticalValue, *, by: Person) -> Escalation:
    """Begin the escalation of a critical value that was just recorded, with the steps of the settings. The first is done at
    once, in the same transaction."""
    now = clock.now()
    escalation = Escalation(
        patient_id=critical.patient_id,
        vitals_reading_id=critical.vitals_reading_id,
        lab_result_id=critical.lab_result_id,
        encounter_id=critical.encounter_id,
        doctor_id=critical.doctor_id,
        reported_by_id=by.id,
        subject=critical.subject,
        value=critical.value,
        number=critical.number,
        began_at=now,
    )
    db.session.add(escalation)
    db.session.flush()
    steps = [
        EscalationStep(
            escalation_id=escalation.id,
            position=position,
            who=str(planned.group),
            channels=str(planned.channels),
            minutes=planned.minutes,
            due_at=planned.due_at(now),
        )
        for position, planned in enumerate(queries.planned_steps(), start=1)
    ]
    db.session.add_all(steps)
    db.session.flush()
    _do_step(steps[0], escalation, critical.title, by)
    return escalation


@action(Permission.SIGNED_IN, "escalations.do_step")
def do_due_step(*, by: Person) -> bool:
    """Do the step that is due the longest; False when there is none that no other clock does."""
    due = queries.take_due_step()
    if due is None:
        return False
    step, escalation = due
    _do_step(step, escalation, str(Sentence(STILL_OPEN, minutes=step.minutes)), by)
    return True


def _do_step(step: EscalationStep, escalation: Escalation, title: str, by: Person) -> None:
    """Tell the people of a step. To be called with the escalation locked, or just made."""
    for user_id in queries.find_people(Group(step.who), escalation):
        alert = notify(
            user_id,
            title=title,
            message=escalation.subject,
            url=address_of(escalation.id),
            kind=URGENT,
            sent_as=SENT_AS,
            by=by,
        )
        db.session.add(EscalationAlert(step_id=step.id, user_id=user_id, notification_id=alert.id))
    set_status(step, StepStatus.DONE)
    step.done_at = clock.now()
    db.session.flush()
    publish(Event.ESCALATIONS_CHANGED)


def address_of(escalation_id: int) -> str:
    """The path of the page of an escalation."""
    return f"/escalations/{escalation_id}"


@action(Permission.ACKNOWLEDGE_ESCALATION, "escalations.acknowledge")
def acknowledge(escalation_id: int, *, read_back: str, by: Person) -> Escalation:
    """End an escalation: `by` has read the value, and `read_back` is that value.

    Raises `RuleBroken` for another value, `Conflict` when the escalation has ended, `RecordRestricted` when the record is
    closed to `by`. The steps go on until the right value is entered.
    """
    queries.get_escalation(escalation_id, by)
    escalation = get_for_update(Escalation, escalation_id)
    _check_open(escalation)
    typed = clean_field(read_back, READ_BACK, longest=rules.MAX_READ_BACK)
    rules.check_read_back(typed, value=escalation.value, measured=escalation.number, subject=escalation.subject)
    set_status(escalation, EscalationStatus.ACKNOWLEDGED)
    escalation.acknowledged_by_id, escalation.acknowledged_at, escalation.read_back = by.id, clock.now(), typed
    _end(escalation)
    return escalation


def _check_open(escalation: Escalation) -> None:
    if escalation.status == EscalationStatus.CORRECTED:
        raise Conflict(N_("This value was corrected, so it needs no acknowledgement any more."), code="corrected")
    if escalation.status == EscalationStatus.ACKNOWLEDGED:
        name = display_names({escalation.acknowledged_by_id})[escalation.acknowledged_by_id]
        raise Conflict(N_("%(name)s has acknowledged this value already."), code="acknowledged", name=name)


def _end(escalation: Escalation) -> None:
    escalation.ended_at = escalation.ended_at or clock.now()
    planned = (EscalationStep.escalation_id == escalation.id, EscalationStep.status == StepStatus.PLANNED.value)
    db.session.execute(
        update(EscalationStep).where(*planned).values(status=StepStatus.DROPPED.value, updated_at=clock.now())
    )
    db.session.flush()
    publish(Event.ESCALATIONS_CHANGED)


@action(Permission.SIGNED_IN, "escalations.correct")
def correct(
    *,
    vitals_reading_id: int | None = None,
    lab_result_id: int | None = None,
    present: Escalation | None,
    title: str,
    message: str,
    url: str,
    by: Person,
) -> bool:
    """A critical value was wrong: end its escalation, and tell everybody who was told of it. `present` is the escalation of
    the corrected value, when that is critical too; else the alert leads to `url`. False when there was no escalation."""
    cause = {"vitals_reading_id": vitals_reading_id, "lab_result_id": lab_result_id}
    query = select(Escalation).filter_by(**cause).with_for_update()
    escalation = db.session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if escalation is None:
        return False
    set_status(escalation, EscalationStatus.CORRECTED)
    escalation.replaced_by_id = present.id if present is not None else None
    _end(escalation)
    told = messages.people_notified(address_of(escalation.id), kind=URGENT)
    told |= {escalation.doctor_id, escalation.acknowledged_by_id} - {None}
    for user_id in sorted(told):
        notify(
            user_id,
            title=title,
            message=message,
            url=address_of(present.id) if present is not None else url,
            kind=URGENT,
            by=by,
        )
    return True


def do_due_steps() -> int:
    """Do every step that is due, one after the other; how many. Called by the clock."""
    done = 0
    while do_due_step(by=SYSTEM):
        done += 1
    return done


def _check_nothing_open(patient_id: int) -> None:
    waiting = select(Escalation.id).filter_by(patient_id=patient_id, status=EscalationStatus.OPEN.value)
    if db.session.scalars(waiting.limit(1)).first() is not None:
        message = N_("A critical value of this patient waits to be acknowledged. Acknowledge or correct it first.")
        raise Conflict(message, code="escalation_open")


withdrawal_guards.append(_check_nothing_open)
