"""Record that a doctor is away, and move or cancel the appointments of that time; record that it is over."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy import select

from hms.appointments.availability.queries import is_booked_between, lock_doctor
from hms.appointments.bookings import actions as bookings
from hms.appointments.models import Absence, Appointment
from hms.appointments.queue import transitions
from hms.appointments.reminders.kinds import AWAY_CANCELLED, AWAY_MOVED
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.models import Patient

from . import queries, rules
from .queries import Plan, Span, Step, make_plan
from .rules import Instruction

CANCEL_REASON = "Doctor away"
CHANGED = N_("The appointments of that time have changed meanwhile. Check the list again.")


class Recorded(NamedTuple):
    """An absence, and what was done with the appointments of its time."""

    absence: Absence
    plan: Plan


@action(Permission.BLOCK_TIME, "appointments.block")
def record_absence(
    doctor_id: int,
    *,
    starts: dt.datetime,
    ends: dt.datetime,
    reason: str = "",
    instruction: Instruction | None = None,
    seen: str | None = None,
    by: Person,
) -> Recorded:
    """Record that a doctor is away between two instants (UTC), and do with the appointments of that time what the
    instruction says; what fits nowhere stays. Doctors only for themselves.

    Raises `Conflict` when there are appointments and no instruction, when the plan is not the one whose key was `seen`, and
    when the doctor is already away then.
    """
    span = Span(doctor_id, starts, ends)
    _check_may_keep(doctor_id, by)
    rules.check_times(starts, ends, clock.now())
    queries.check_instruction(span, instruction)
    booked = _lock(span, instruction)
    if db.session.scalars(select(Absence.id).where(queries.covers(span)).limit(1)).first() is not None:
        raise Conflict(N_("The doctor is already recorded as away at that time."), "starts", code="already_away")
    absence = Absence(doctor_id=doctor_id, starts=starts, ends=ends, reason=reason)
    plan = _make_checked_plan(span, instruction, seen, booked)
    _carry_out(plan, by)
    db.session.add(absence)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return Recorded(absence, plan)


@action(Permission.BLOCK_TIME, "appointments.settle_absence")
def settle_absence(absence_id: int, *, instruction: Instruction, seen: str | None = None, by: Person) -> Recorded:
    """Move or cancel the appointments that are still in the time of a recorded absence; what fits nowhere stays.

    Raises `Conflict` when there are none, and when the plan is not the one whose key was `seen`.
    """
    absence = get_for_update(Absence, absence_id)
    _check_may_keep(absence.doctor_id, by)
    span = Span(absence.doctor_id, absence.starts, absence.ends)
    rules.check_times(span.starts, span.ends, clock.now())
    queries.check_instruction(span, instruction)
    booked = _lock(span, instruction)
    plan = _make_checked_plan(span, instruction, seen, booked)
    if not plan.steps:
        raise Conflict(N_("Nobody is booked in that time any more."), code="none_left")
    _carry_out(plan, by)
    return Recorded(absence, plan)


@action(Permission.BLOCK_TIME, "appointments.unblock")
def remove_absence(absence_id: int, *, by: Person) -> Absence:
    """Remove an absence, so that its time can be booked again, and return it; doctors only their own. Appointments that were
    moved or cancelled stay so."""
    absence = get_for_update(Absence, absence_id)
    _check_may_keep(absence.doctor_id, by)
    db.session.delete(absence)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return absence


def _check_may_keep(doctor_id: int, by: Person) -> None:
    if not queries.may_keep_time_of(doctor_id, by):
        raise NotFound(N_("This record does not exist."))


def _lock(span: Span, instruction: Instruction | None) -> set[int]:
    """Lock the bookings of this time, then their patients, then the doctors, in the order in which a move of one booking does;
    returns the ids of the bookings."""
    wanted = select(Appointment.id, Appointment.patient_id).where(
        Appointment.doctor_id == span.doctor_id,
        Appointment.withdrawn_at.is_(None),
        *is_booked_between(span.starts, span.ends),
    )
    rows = db.session.execute(wanted.order_by(Appointment.id).limit(rules.MAX_BOOKINGS + 1).with_for_update()).all()
    patients = select(Patient.id).where(Patient.id.in_({row.patient_id for row in rows})).order_by(Patient.id)
    db.session.execute(patients.with_for_update(key_share=True))
    other = instruction.doctor_id if instruction is not None else None
    for doctor_id in sorted({span.doctor_id, other or span.doctor_id}):
        lock_doctor(doctor_id)
    return {row.id for row in rows}


def _make_checked_plan(span: Span, instruction: Instruction | None, seen: str | None, booked: set[int]) -> Plan:
    """The plan, made while nobody else can book; raises `Conflict` when it is not what the person decided on."""
    plan = make_plan(span, instruction)
    if {step.booking.id for step in plan.steps} != booked or seen not in (None, plan.key):
        raise Conflict(CHANGED, code="changed")
    if plan.steps and instruction is None:
        message = N_("Appointments at that time: %(count)s. Say whether they move or are cancelled.")
        raise Conflict(message, "starts", code="has_bookings", count=len(plan.steps))
    return plan


def _carry_out(plan: Plan, by: Person) -> None:
    for step in plan.steps:
        if step.target is not None:
            _move(plan, step, by)
        elif step.is_cancelled:
            transitions.change_appointment_status(
                step.booking.id, "cancelled", reason=CANCEL_REASON, news=AWAY_CANCELLED, by=by
            )


def _move(plan: Plan, step: Step, by: Person) -> None:
    bookings.move(
        step.booking.id,
        date=step.target.day,
        time=step.target.time,
        doctor_id=plan.instruction.doctor_id,
        duration_minutes=step.booking.duration_minutes,
        news=AWAY_MOVED,
        by=by,
    )
