"""The week: one doctor's slots day by day, and how full each half-day of every doctor is."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Row, func, select

from hms.appointments.availability import queries, rules
from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db
from hms.core.text.formatting import format_date as shown_day
from hms.staff import directory as staff

from .day_queries import HIDDEN_STATUSES, BoardBooking, Column, fill_column, group_by_doctor, list_board_doctors, select_board_bookings

NOON = time(12)
MAX_DOCTORS = 60


@dataclass(slots=True)
class WeekBoard:
    """A doctor's week from Monday to Sunday; each column is a day."""

    doctor_id: int
    doctor_name: str
    days: list[date]
    columns: list[Column]
    times: list[time]


class HalfDay(NamedTuple):
    """A morning or an afternoon: `booked` of `offered` slots; bookings outside the clinic hours count too."""

    booked: int
    offered: int


@dataclass(slots=True)
class DoctorWeek:
    """One doctor's line: for each day the morning and the afternoon."""

    doctor_id: int
    name: str
    department: str | None
    halves: list[tuple[HalfDay, HalfDay]]


def list_week_days(day: date) -> list[date]:
    """The days from Monday to Sunday around `day`."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=number) for number in range(7)]


def build_week_board(doctor_id: int, day: date, now: datetime | None = None) -> WeekBoard:
    """The week of one doctor around `day`. Three queries."""
    now, days = now or clock.now(), list_week_days(day)
    hours, away = queries.get_hours_and_absences(days[0], days[-1], [doctor_id])
    bookings = defaultdict(list)
    for row in _bookings(doctor_id, days):
        bookings[row.date].append(row)
    columns = [
        fill_column(Column(doctor_id, shown_day(on), None, day=on), on, hours, away, bookings[on], now) for on in days
    ]
    times = sorted({at for column in columns for at in column.cells})
    return WeekBoard(doctor_id, staff.display_names({doctor_id}).get(doctor_id, ""), days, columns, times)


def _bookings(doctor_id: int, days: list[date]) -> list[BoardBooking]:
    theirs = select_board_bookings().where(Appointment.doctor_id == doctor_id, Appointment.date.between(days[0], days[-1]))
    return [BoardBooking(*row) for row in db.session.execute(theirs)]


def count_week(day: date, department_id: int | None = None) -> list[DoctorWeek]:
    """How full the week around `day` is, a line for each doctor who holds a clinic or is booked in it. Three queries."""
    days = list_week_days(day)
    doctors = list_board_doctors(days[0], days[-1], department_id)[:MAX_DOCTORS]
    ids = [doctor.id for doctor in doctors]
    hours, away = map(group_by_doctor, queries.get_hours_and_absences(days[0], days[-1], ids))
    booked = _count_bookings(ids, days)
    return [
        DoctorWeek(d.id, d.name, d.department, [_count_half_days(d.id, on, hours[d.id], away[d.id], booked) for on in days])
        for d in doctors
    ]


def _count_bookings(ids: list[int], days: list[date]) -> Counter[tuple[int, date, bool]]:
    is_morning = (Appointment.time < NOON).label("is_morning")
    query = (
        select(Appointment.doctor_id, Appointment.date, is_morning, func.count().label("number"))
        .where(Appointment.doctor_id.in_(ids), Appointment.date.between(days[0], days[-1]))
        .where(Appointment.status.not_in((*HIDDEN_STATUSES, Status.NO_SHOW.value)))
        .group_by(Appointment.doctor_id, Appointment.date, is_morning)
    )
    return Counter({(row.doctor_id, row.date, row.is_morning): row.number for row in db.session.execute(query)})


def _count_half_days(
    doctor_id: int, day: date, hours: list[Row], away: list[Row], booked: Counter[tuple[int, date, bool]]
) -> tuple[HalfDay, HalfDay]:
    offered = Counter(slot.time < NOON for slot in rules.cut_slots(hours, day, away))
    morning, afternoon = (HalfDay(booked[(doctor_id, day, half)], offered[half]) for half in (True, False))
    return morning, afternoon
