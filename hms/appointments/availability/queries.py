"""Reads of doctors' time: clinic hours, absences, and free slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    func,
    null,
    or_,
    select,
    union_all,
)

from hms.appointments import enums
from hms.appointments.models import Absence, Appointment, Holiday, WorkingHours
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.text.translation import N_
from hms.staff.directory import display_name_column
from hms.staff.models import Role, User

from . import rules
from .rules import Slot

SEARCH_DAYS = 28


class Span(NamedTuple):
    """A time that a booking takes, in UTC, and its place among the patients of that time."""

    starts: datetime
    ends: datetime
    place: int
    is_overbooked: bool


class HoursRow(NamedTuple):
    """Clinic hours of a doctor."""

    id: int
    doctor_id: int
    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    capacity: int
    overbooking: int
    valid_from: date
    valid_to: date | None


class AbsenceRow(NamedTuple):
    """A time without patients of a doctor, in UTC; also a holiday, which has no id."""

    id: int | None
    doctor_id: int
    starts: datetime
    ends: datetime
    reason: str


class HoursAndAbsences(NamedTuple):
    """Clinic hours and absences of one or several doctors, and the names of the hospital's holidays by day.

    A holiday is also an absence of each of the doctors.
    """

    hours: list[HoursRow]
    absences: list[AbsenceRow]
    holidays: dict[date, str]


def get_hours_and_absences(first: date, last: date, doctor_ids: Iterable[int]) -> HoursAndAbsences:
    """The clinic hours valid on some day from `first` to `last`, by weekday and start, and the absences and holidays that
    overlap these days, by start."""
    ids, begins, ends = list(doctor_ids), clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    values = {"doctor_ids": ids, "first": first, "last": last, "begins": begins, "ends": ends}
    rows = db.session.execute(_times_statement(of_one_day=first == last), values | {"weekday": first.weekday()})
    hours, absences, holidays = [], [], {}
    for row in rows:
        if row.slot_minutes is not None:
            hours.append(HoursRow(*row[:10]))
        elif row.doctor_id is not None:
            absences.append(AbsenceRow(row.id, row.doctor_id, row.begins, row.ends, row.reason))
        else:
            holidays[row.first] = row.reason
    absences += (absence for day, name in holidays.items() for absence in _make_absences(day, name, ids))
    hours.sort(key=lambda row: (row.weekday, row.starts))
    absences.sort(key=lambda row: row.starts)
    return HoursAndAbsences(hours, absences, holidays)


def _make_absences(day: date, name: str, doctor_ids: list[int]) -> list[AbsenceRow]:
    """The absence of each doctor on a holiday."""
    begins, ends = clock.day_bounds(day)
    return [AbsenceRow(None, doctor_id, begins, ends, name) for doctor_id in doctor_ids]


@cache
def _times_statement(*, of_one_day: bool) -> CompoundSelect:
    """Hours, absences and holidays in one statement, because every booking asks for them; the columns that a part does not
    have are NULL."""
    doctor_ids, first, last = bindparam("doctor_ids", expanding=True), bindparam("first"), bindparam("last")
    hours = select(
        WorkingHours.id,
        WorkingHours.doctor_id,
        WorkingHours.weekday,
        WorkingHours.starts,
        WorkingHours.ends.label("closes"),
        WorkingHours.slot_minutes,
        WorkingHours.capacity,
        WorkingHours.overbooking,
        WorkingHours.valid_from.label("first"),
        WorkingHours.valid_to,
        cast(null(), Absence.starts.type).label("begins"),
        cast(null(), Absence.ends.type).label("ends"),
        cast(null(), Text).label("reason"),
    ).where(
        WorkingHours.doctor_id.in_(doctor_ids),
        WorkingHours.valid_from <= last,
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= first),
    )
    if of_one_day:
        hours = hours.where(WorkingHours.weekday == bindparam("weekday"))
    nothing = [null() for _column in range(8)]
    absences = select(Absence.id, Absence.doctor_id, *nothing, Absence.starts, Absence.ends, Absence.reason).where(
        Absence.doctor_id.in_(doctor_ids), Absence.starts < bindparam("ends"), Absence.ends > bindparam("begins")
    )
    holidays = select(null(), null(), *nothing[:6], Holiday.day, null(), null(), null(), Holiday.name).where(
        Holiday.day.between(first, last)
    )
    return union_all(hours, absences, holidays)


def select_hours() -> Select:
    """Clinic hours with the names of the doctors; without those that ended before they began."""
    return _named_hours().where(or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= WorkingHours.valid_from))


def _named_hours() -> Select:
    names = ("id", "doctor_id", "weekday", "starts", "ends", "slot_minutes", "capacity", "overbooking")
    columns = (getattr(WorkingHours, name) for name in (*names, "valid_from", "valid_to", "created_at", "updated_at"))
    return select(*columns, display_name_column().label("doctor_name")).join(User, User.id == WorkingHours.doctor_id)


def get_hours(hours_id: int) -> Row:
    """One entry of clinic hours, also one that never began; raises `NotFound`."""
    row = db.session.execute(_named_hours().where(WorkingHours.id == hours_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


def list_absences(first: date, last: date, doctor_ids: Iterable[int]) -> list[AbsenceRow]:
    """The doctors' own absences that overlap the days from `first` to `last`, by start; without the holidays of all."""
    return [row for row in get_hours_and_absences(first, last, doctor_ids).absences if row.id is not None]


def get_booking_span(booking: Any) -> Span:
    """Start and end of a booking in UTC, and its place."""
    starts = clock.at(booking.date, booking.time)
    return Span(starts, starts + timedelta(minutes=booking.duration_minutes), booking.place, booking.is_overbooked)


class DoctorAvailability:
    """One doctor's clinic hours, absences and bookings between two days, both included.

    Bookings of the day before are loaded too, because they may run past midnight.
    """

    def __init__(self, doctor_id: int, first: date, last: date) -> None:
        self.hours, self.absences, _holidays = get_hours_and_absences(first, last, [doctor_id])
        self.taken = [
            get_booking_span(row)
            for row in db.session.execute(
                _taken_statement(), {"doctor_id": doctor_id, "first": first - timedelta(days=1), "last": last}
            )
        ]

    def free_slots(self, day: date, now: datetime, minutes: int | None = None) -> list[Slot]:
        """The slots of `day` that can still be booked, for a visit of `minutes` when given."""
        offered = rules.cut_slots(self.hours, day, self.absences)
        if minutes is not None:
            offered = rules.lengthen_slots(offered, minutes, self.hours, day, self.absences)
        return rules.filter_free_slots(offered, self.taken, now)


@cache
def _taken_statement() -> Select:
    doctor_id, first, last = bindparam("doctor_id"), bindparam("first"), bindparam("last")
    taken = (Appointment.date, Appointment.time, Appointment.duration_minutes)
    return select(*taken, Appointment.place, Appointment.is_overbooked).where(
        Appointment.doctor_id == doctor_id,
        Appointment.date.between(first, last),
        Appointment.status.in_(enums.OCCUPYING_STATUSES),
    )


def list_free_slots(
    doctor_id: int, day: date, now: datetime | None = None, *, minutes: int | None = None
) -> list[Slot]:
    """The doctor's slots on `day` that can still be booked, for a visit of `minutes` when given; earliest first, none
    without clinic hours."""
    return DoctorAvailability(doctor_id, day, day).free_slots(day, now or clock.now(), minutes)


def find_next_free_slot(doctor_id: int, since: datetime, minutes: int | None = None) -> tuple[date, Slot] | None:
    """Day and slot of the doctor's first free slot from `since` (UTC) on, for a visit of `minutes` when given, within four
    weeks; None when there is none."""
    first = clock.local(since).date()
    availability = DoctorAvailability(doctor_id, first, first + timedelta(days=SEARCH_DAYS))
    now = clock.now()
    for number in range(SEARCH_DAYS + 1):
        day = first + timedelta(days=number)
        for slot in availability.free_slots(day, now, minutes):
            if slot.starts >= since:
                return day, slot
    return None


def find_holiday(day: date) -> str | None:
    """The name of the holiday that `day` is; None when it is none."""
    return db.session.scalar(select(Holiday.name).where(Holiday.day == day))


def find_next_clinic_day(since: date, doctor_id: int | None = None) -> date | None:
    """The first day after `since` with clinic hours of the doctor (or of any), within four weeks; None when there is none."""
    query = select(WorkingHours.weekday, WorkingHours.valid_from, WorkingHours.valid_to).where(
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to > since),
        WorkingHours.valid_from <= since + timedelta(days=SEARCH_DAYS),
    )
    if doctor_id is not None:
        query = query.where(WorkingHours.doctor_id == doctor_id)
    hours = list(db.session.execute(query.distinct()))
    last = since + timedelta(days=SEARCH_DAYS)
    holidays = set(db.session.scalars(select(Holiday.day).where(Holiday.day.between(since, last))))
    days = (since + timedelta(days=number) for number in range(1, SEARCH_DAYS + 1))
    return next((day for day in days if day not in holidays and any(_applies_on(h, day) for h in hours)), None)


def _applies_on(hours: Row, day: date) -> bool:
    is_valid = hours.valid_from <= day and (hours.valid_to is None or day <= hours.valid_to)
    return is_valid and hours.weekday == day.weekday()


def is_booked_between(starts: datetime, ends: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of open bookings that overlap the time between two instants (UTC)."""
    first, last = clock.local(starts).replace(tzinfo=None), clock.local(ends).replace(tzinfo=None)
    begin = Appointment.date + Appointment.time
    end = begin + Appointment.duration_minutes * func.make_interval(0, 0, 0, 0, 0, 1)
    days = Appointment.date.between(first.date() - timedelta(days=1), last.date())
    return days, Appointment.status.in_(enums.OCCUPYING_STATUSES), begin < last, end > first


def count_overbooking_left(doctor_id: int, day: date, at: time) -> int:
    """How many more patients the doctor's clinic hours at this time allow beyond the capacity."""
    hours = next((h for h in get_hours_and_absences(day, day, [doctor_id]).hours if h.starts <= at < h.ends), None)
    if hours is None or not hours.overbooking:
        return 0
    query = select(func.count()).where(
        Appointment.doctor_id == doctor_id,
        Appointment.date == day,
        Appointment.time >= hours.starts,
        Appointment.time < hours.ends,
        Appointment.is_overbooked,
        Appointment.status.in_(enums.OCCUPYING_STATUSES),
    )
    return max(hours.overbooking - db.session.execute(query).scalar_one(), 0)


def lock_doctor(doctor_id: int | None) -> int:
    """Lock the doctor's bookings until the action ends; raises `RuleBroken` unless it is an active doctor."""
    if db.session.execute(_doctor_for_lock(), {"doctor_id": doctor_id}).one_or_none() is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "doctor", id=doctor_id)
    return doctor_id


@cache
def _doctor_for_lock() -> Select:
    doctor_id = bindparam("doctor_id")
    query = select(User.id).join(Role, Role.id == User.role_id)
    return query.where(User.id == doctor_id, Role.code == "doctor", User.is_active).with_for_update(
        key_share=True, of=User
    )
