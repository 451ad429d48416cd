"""Repeat a booking; move or cancel a booking of a series and all that follow."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import select

from hms.appointments.availability.queries import lock_doctor
from hms.appointments.bookings import actions as bookings
from hms.appointments.bookings.actions import lock_appointment, lock_patient
from hms.appointments.models import Appointment, AppointmentSeries
from hms.appointments.queue import transitions
from hms.appointments.reminders.kinds import SERIES_BOOKED, SERIES_CANCELLED, SERIES_MOVED, tell
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import queries
from .queries import FollowingPlan, SeriesPlan, Shift
from .rules import Pattern

CHANGED = N_("These appointments have changed meanwhile. Check the list again.")


class BookedSeries(NamedTuple):
    """A new series, the bookings that were made for it, and the dates that were planned."""

    series: AppointmentSeries
    bookings: list[Appointment]
    plan: SeriesPlan


@action(Permission.BOOK, "appointments.book_series")
def book_series(appointment_id: int, *, pattern: Pattern, seen: str | None = None, by: Person) -> BookedSeries:
    """Repeat a booking on the dates of the pattern that are free; the others are left out.

    Raises `Conflict` when the dates are not those of the plan whose key was `seen`, and for a booking that is part of a series.
    """
    booking = lock_appointment(appointment_id, by)
    if booking.series_id is not None:
        raise Conflict(N_("This appointment is already part of a series."), code="in_series")
    lock_patient(booking.patient_id, is_booked=True)
    lock_doctor(booking.doctor_id)
    plan = queries.plan_series(booking, pattern)
    if seen not in (None, plan.key):
        raise Conflict(CHANGED, code="changed")
    if not plan.free:
        raise RuleBroken(
            N_("On none of these dates can the patient be booked. Choose other dates."), "every", code="no_date"
        )
    series = AppointmentSeries(every=pattern.every, unit=pattern.unit.value, made_by_id=by.id)
    db.session.add(series)
    db.session.flush()
    booking.series_id = series.id
    booking.increment_version()
    made = [_book(booking, target.day, by) for target in plan.free]
    tell(SERIES_BOOKED, made[0])
    return BookedSeries(series, made, plan)


def _book(booking: Appointment, day: dt.date, by: Person) -> Appointment:
    return bookings.book(
        patient_id=booking.patient_id,
        doctor_id=booking.doctor_id,
        date=day,
        time=booking.time,
        duration_minutes=booking.duration_minutes,
        visit_type_id=booking.visit_type_id,
        notes=booking.notes,
        series_id=booking.series_id,
        news=None,
        by=by,
    )


@action(Permission.MOVE_APPOINTMENT, "appointments.move_following")
def move_following(
    appointment_id: int,
    *,
    date: dt.date,
    time: dt.time,
    doctor_id: int | None = None,
    seen: str | None = None,
    by: Person,
) -> FollowingPlan:
    """Move a booking of a series, and all that follow by as many days; those that do not fit stay.

    Raises `Conflict` when the plan is not the one whose key was `seen`.
    """
    booking = _lock_following(appointment_id, by)
    shift = Shift(date, time, doctor_id or booking.doctor_id)
    for one in sorted({booking.doctor_id, shift.doctor_id}):
        lock_doctor(one)
    plan = _check_plan(queries.plan_following(booking, shift, by), seen)
    if not plan.moved:
        raise RuleBroken(N_("None of these appointments fits there. Choose another time."), "date", code="no_date")
    for step in plan.moved:
        bookings.move(
            step.booking.id,
            date=step.target.day,
            time=step.target.time,
            doctor_id=shift.doctor_id,
            duration_minutes=step.booking.duration_minutes,
            news=None,
            by=by,
        )
    first = min(plan.moved, key=lambda step: step.target)
    tell(SERIES_MOVED, db.session.get_one(Appointment, first.booking.id))
    return plan


@action(Permission.EDIT_APPOINTMENT, "appointments.cancel_following")
def cancel_following(appointment_id: int, *, reason: str, seen: str | None = None, by: Person) -> FollowingPlan:
    """Cancel a booking of a series and all that follow. Raises `RuleBroken` without a reason, and `Conflict` when the plan is not
    the one whose key was `seen`."""
    if not reason:
        raise RuleBroken(N_("Choose the reason for cancelling."), "reason")
    booking = _lock_following(appointment_id, by)
    plan = _check_plan(queries.plan_following(booking, None, by), seen)
    for step in plan.steps:
        transitions.change_appointment_status(step.booking.id, "cancelled", reason=reason, news=None, by=by)
    tell(SERIES_CANCELLED, db.session.get_one(Appointment, plan.steps[0].booking.id))
    publish(Event.APPOINTMENTS_CHANGED)
    return plan


def check_in_series(booking: Any) -> None:
    """Raise `Conflict` unless the booking is part of a series."""
    if booking.series_id is None:
        raise Conflict(N_("This appointment is not part of a series."), code="no_series")


def _lock_following(appointment_id: int, by: Person) -> Appointment:
    """The booking, locked with those that follow, by id, and with its patient."""
    booking = db.session.get(Appointment, appointment_id)
    if booking is not None and booking.series_id is not None:
        following = select(Appointment.id).where(Appointment.series_id == booking.series_id).order_by(Appointment.id)
        db.session.execute(following.with_for_update())
    booking = lock_appointment(appointment_id, by)
    check_in_series(booking)
    lock_patient(booking.patient_id, is_booked=True)
    return booking


def _check_plan(plan: FollowingPlan, seen: str | None) -> FollowingPlan:
    if seen not in (None, plan.key):
        raise Conflict(CHANGED, code="changed")
    if not plan.steps:
        raise Conflict(N_("None of these appointments is still to come."), code="none_left")
    return plan
