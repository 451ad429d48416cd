"""Reads for the week: one doctor's slots by day, and the free and booked half-days of every doctor."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from hms.appointments.availability import queries
from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db
from hms.core.text.formatting import format_date as shown_day
from hms.staff import directory as staff

from .day_queries import (
    HIDDEN_STATUSES,
    BoardBooking,
    BoardRow,
    Column,
    Present,
    fill_column,
    find_present,
    group_by_doctor,
    list_board_doctors,
    list_rows,
    select_board_bookings,
)

NOON = time(12)
MAX_DOCTORS = 60


@dataclass(slots=True)
class WeekBoard:
    """A doctor's week from Monday to Sunday; each column is a day. `holidays` are the names of holidays by day."""

    doctor_id: int
    doctor_name: str
    days: list[date]
    columns: list[Column]
    times: list[time]
    now: Present | None
    holidays: dict[date, str]

    @property
    def rows(self) -> list[BoardRow]:
        """The rows of the board."""
        return list_rows(self.columns, self.times)


class HalfDay(NamedTuple):
    """A morning or an afternoon: how many places can still be booked, and how many bookings there are.

    `has_clinic`: whether the doctor has clinic hours that are not blocked.
    """

    free: int
    booked: int
    has_clinic: bool


@dataclass(slots=True)
class DoctorWeek:
    """One doctor's week: for each day the morning and the afternoon."""

    doctor_id: int
    name: str
    department: str | None
    halves: list[tuple[HalfDay, HalfDay]]


def list_week_days(day: date) -> list[date]:
    """The days from Monday to Sunday around `day`."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=number) for number in range(7)]


def build_week_board(doctor_id: int, day: date, now: datetime | None = None) -> WeekBoard:
    """The week of one doctor around `day`."""
    now, days = now or clock.now(), list_week_days(day)
    hours, away, holidays = queries.get_hours_and_absences(days[0], days[-1], [doctor_id])
    bookings = defaultdict(list)
    for row in _bookings(doctor_id, days):
        bookings[row.date].append(row)
    columns = [
        fill_column(Column(doctor_id, shown_day(on), None, day=on), on, hours, away, bookings[on], now) for on in days
    ]
    times = sorted({at for column in columns for at in column.cells})
    name = staff.display_names({doctor_id}).get(doctor_id, "")
    return WeekBoard(doctor_id, name, days, columns, times, find_present(days, times, now), holidays)


def _bookings(doctor_id: int, days: list[date]) -> list[BoardBooking]:
    query = select_board_bookings().where(
        Appointment.doctor_id == doctor_id, Appointment.date.between(days[0], days[-1])
    )
    return [BoardBooking(*row) for row in db.session.execute(query)]


def count_week(day: date, department_id: int | None = None, now: datetime | None = None) -> list[DoctorWeek]:
    """The half-days of the week around `day`, for each doctor with clinic hours or bookings in it."""
    now, days = now or clock.now(), list_week_days(day)
    doctors = list_board_doctors(days[0], days[-1], department_id)[:MAX_DOCTORS]
    ids = [doctor.id for doctor in doctors]
    hours, away = map(group_by_doctor, queries.get_hours_and_absences(days[0], days[-1], ids)[:2])
    booked = load_times(ids, days)
    return [
        DoctorWeek(
            d.id,
            d.name,
            d.department,
            [
                _count_half_days(
                    fill_column(Column(d.id, d.name, None), on, hours[d.id], away[d.id], booked[d.id, on], now)
                )
                for on in days
            ],
        )
        for d in doctors
    ]


def load_times(ids: list[int], days: list[date]) -> dict[tuple[int, date], list[Any]]:
    """The times of each doctor's bookings by day, without the patients."""
    columns = (Appointment.id, Appointment.doctor_id, Appointment.date, Appointment.time)
    query = (
        select(*columns, Appointment.duration_minutes, Appointment.status, Appointment.place, Appointment.is_overbooked)
        .where(Appointment.doctor_id.in_(ids), Appointment.date.between(days[0], days[-1]))
        .where(Appointment.status.not_in(HIDDEN_STATUSES))
        .order_by(Appointment.time)
    )
    booked: dict[tuple[int, date], list[Any]] = defaultdict(list)
    for row in db.session.execute(query):
        booked[row.doctor_id, row.date].append(row)
    return booked


def _count_half_days(column: Column) -> tuple[HalfDay, HalfDay]:
    cells = [(at < NOON, cell) for at, cells in column.cells.items() for cell in cells]
    halves = []
    for is_morning in (True, False):
        free = sum(cell.left for half, cell in cells if half is is_morning and cell.kind == "free")
        booked = sum(cell.booking is not None and cell.kind != "missed" for half, cell in cells if half is is_morning)
        has_clinic = any(not cell.is_extra and cell.kind != "blocked" for half, cell in cells if half is is_morning)
        halves.append(HalfDay(free, booked, has_clinic))
    return halves[0], halves[1]
