"""A doctor's days: clinic hours, absences and bookings, and the slots they leave free."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, func, or_, select

from hms.appointments import enums
from hms.appointments.models import Absence, Appointment, WorkingHours
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.staff.models import Role, User

from . import rules
from .rules import Slot

SEARCH_DAYS = 28


class Span(NamedTuple):
    """A time that is taken, as instants."""

    starts: datetime
    ends: datetime


class HoursAndAbsences(NamedTuple):
    """When doctors receive patients, and when nobody though it is their time."""

    hours: list[Any]
    absences: list[Any]


def get_hours_and_absences(first: date, last: date, doctor_ids: Iterable[int]) -> HoursAndAbsences:
    """The doctors' clinic hours that are valid on some day from `first` to `last`, by their beginning, and the absences
    that touch one. Two queries."""
    wanted, begins, ends = list(doctor_ids), clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    days = {"first": first, "last": last, "weekday": first.weekday()}
    hours = db.session.execute(_hours_statement(of_one_day=first == last), {"doctor_ids": wanted} | days)
    absences = db.session.execute(_absences_statement(), {"doctor_ids": wanted, "begins": begins, "ends": ends})
    return HoursAndAbsences(list(hours), list(absences))


@cache
def _hours_statement(*, of_one_day: bool) -> Select:
    doctor_ids, first, last = bindparam("doctor_ids"), bindparam("first"), bindparam("last")
    query = select(
        WorkingHours.id,
        WorkingHours.doctor_id,
        WorkingHours.weekday,
        WorkingHours.starts,
        WorkingHours.ends,
        WorkingHours.slot_minutes,
        WorkingHours.valid_from,
        WorkingHours.valid_to,
    ).where(
        WorkingHours.doctor_id.in_(doctor_ids),
        WorkingHours.valid_from <= last,
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= first),
    )
    if of_one_day:
        query = query.where(WorkingHours.weekday == bindparam("weekday"))
    return query.order_by(WorkingHours.weekday, WorkingHours.starts)


@cache
def _absences_statement() -> Select:
    doctor_ids, begins, ends = bindparam("doctor_ids"), bindparam("begins"), bindparam("ends")
    query = select(Absence.id, Absence.doctor_id, Absence.starts, Absence.ends, Absence.reason).where(
        Absence.doctor_id.in_(doctor_ids), Absence.starts < ends, Absence.ends > begins
    )
    return query.order_by(Absence.starts)


def get_booking_span(booking: Any) -> Span:
    """When a booking begins and ends."""
    starts = clock.at(booking.date, booking.time)
    return Span(starts, starts + timedelta(minutes=booking.duration_minutes))


class DoctorAvailability:
    """One doctor's time between two days, both included. Bookings that began the day before count too."""

    def __init__(self, doctor_id: int, first: date, last: date) -> None:
        self.hours, self.absences = get_hours_and_absences(first, last, [doctor_id])
        self.taken = [
            get_booking_span(row)
            for row in db.session.execute(
                _taken_statement(), {"doctor_id": doctor_id, "first": first - timedelta(days=1), "last": last}
            )
        ]

    def free(self, day: date, now: datetime) -> list[Slot]:
        """The slots of `day` that can still be booked."""
        return rules.filter_free_slots(rules.cut_slots(self.hours, day, self.absences), self.taken, now)


@cache
def _taken_statement() -> Select:
    doctor_id, first, last = bindparam("doctor_id"), bindparam("first"), bindparam("last")
    return select(Appointment.date, Appointment.time, Appointment.duration_minutes).where(
        Appointment.doctor_id == doctor_id,
        Appointment.date.between(first, last),
        Appointment.status.in_(enums.OCCUPYING_STATUSES),
    )


def list_free_slots(doctor_id: int, day: date, now: datetime | None = None) -> list[Slot]:
    """The doctor's slots on `day` (hospital's day) that can still be booked, earliest first; none without clinic hours."""
    return DoctorAvailability(doctor_id, day, day).free(day, now or clock.now())


def find_next_free_slot(doctor_id: int, since: datetime) -> tuple[date, Slot] | None:
    """The doctor's first free slot that begins at or after the instant `since`, within four weeks."""
    first = clock.local(since).date()
    diary = DoctorAvailability(doctor_id, first, first + timedelta(days=SEARCH_DAYS))
    now = clock.now()
    for number in range(SEARCH_DAYS + 1):
        day = first + timedelta(days=number)
        for slot in diary.free(day, now):
            if slot.starts >= since:
                return day, slot
    return None


def find_next_clinic_day(since: date, doctor_id: int | None = None) -> date | None:
    """The first day after `since` on which the doctor (or anybody) has clinic hours."""
    query = select(WorkingHours.weekday, WorkingHours.valid_from, WorkingHours.valid_to).where(
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to > since),
        WorkingHours.valid_from <= since + timedelta(days=SEARCH_DAYS),
    )
    if doctor_id is not None:
        query = query.where(WorkingHours.doctor_id == doctor_id)
    hours = list(db.session.execute(query.distinct()))
    days = (since + timedelta(days=number) for number in range(1, SEARCH_DAYS + 1))
    return next((day for day in days if any(_applies_on(h, day) for h in hours)), None)


def _applies_on(hours: Row, day: date) -> bool:
    is_valid = hours.valid_from <= day and (hours.valid_to is None or day <= hours.valid_to)
    return is_valid and hours.weekday == day.weekday()


def count_bookings_between(doctor_id: int, starts: datetime, ends: datetime) -> int:
    """How many live bookings of the doctor overlap the time between two instants."""
    first, last = clock.local(starts).replace(tzinfo=None), clock.local(ends).replace(tzinfo=None)
    begin = Appointment.date + Appointment.time
    end = begin + Appointment.duration_minutes * func.make_interval(0, 0, 0, 0, 0, 1)
    query = select(func.count()).where(
        Appointment.doctor_id == doctor_id,
        Appointment.date.between(first.date() - timedelta(days=1), last.date()),
        Appointment.status.in_(enums.OCCUPYING_STATUSES),
        begin < last,
        end > first,
    )
    return db.session.execute(query).scalar_one()


def lock_doctor(doctor_id: int | None) -> int:
    """The id of an active doctor, whose bookings nobody else changes until the action ends."""
    if db.session.execute(_doctor_for_lock(), {"doctor_id": doctor_id}).one_or_none() is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "doctor", id=doctor_id)
    return doctor_id


@cache
def _doctor_for_lock() -> Select:
    doctor_id = bindparam("doctor_id")
    one = select(User.id).join(Role, Role.id == User.role_id)
    return one.where(User.id == doctor_id, Role.code == "doctor", User.is_active).with_for_update(
        key_share=True, of=User
    )
