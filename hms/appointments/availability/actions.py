"""Add and end clinic hours."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import or_, select

from hms.appointments.models import WorkingHours
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import rules
from .queries import lock_doctor


@action(Permission.MANAGE_HOURS, "appointments.add_hours")
def add_hours(
    doctor_id: int,
    *,
    weekday: int,
    starts: dt.time,
    ends: dt.time,
    slot_minutes: int = 15,
    capacity: int = 1,
    overbooking: int = 0,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
    by: Person,
) -> WorkingHours:
    """Add clinic hours on `weekday` (0 is Monday), in hospital time; valid from today by default. `capacity` patients may be
    booked at the same time, and `overbooking` more in these hours of a day.

    Raises `Conflict` (code "hours_overlap") when they overlap other clinic hours of the doctor.
    """
    lock_doctor(doctor_id)
    first = valid_from or clock.today()
    if ends <= starts:
        raise RuleBroken(N_("The end must be after the start."), "ends")
    if valid_to is not None and valid_to < first:
        raise RuleBroken(N_("The last day must be after the first."), "valid_to")
    rules.check_duration(slot_minutes, "slot_minutes")
    rules.check_capacity(capacity, overbooking)
    _check_no_overlap(doctor_id, weekday, starts, ends, first, valid_to)
    hours = WorkingHours(
        doctor_id=doctor_id,
        weekday=weekday,
        starts=starts,
        ends=ends,
        slot_minutes=slot_minutes,
        capacity=capacity,
        overbooking=overbooking,
        valid_from=first,
        valid_to=valid_to,
    )
    db.session.add(hours)
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return hours


def _check_no_overlap(
    doctor_id: int, weekday: int, starts: dt.time, ends: dt.time, first: dt.date, last: dt.date | None
) -> None:
    query = select(WorkingHours.id).where(
        WorkingHours.doctor_id == doctor_id,
        WorkingHours.weekday == weekday,
        WorkingHours.starts < ends,
        WorkingHours.ends > starts,
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= first),
    )
    if last is not None:
        query = query.where(WorkingHours.valid_from <= last)
    if db.session.execute(query.limit(1)).first() is not None:
        raise Conflict(
            N_("The doctor already has clinic hours at that time. End those first."), "starts", code="hours_overlap"
        )


@action(Permission.MANAGE_HOURS, "appointments.end_hours")
def end_hours(hours_id: int, *, by: Person) -> WorkingHours:
    """End the hours with yesterday; bookings stay. Hours that have not begun get an empty period."""
    hours = get_for_update(WorkingHours, hours_id)
    last = clock.today() - dt.timedelta(days=1)
    hours.valid_to = max(last, hours.valid_from - dt.timedelta(days=1))
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)
    return hours
