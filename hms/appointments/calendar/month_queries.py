"""Reads for the month: how many places of each day are free and booked, holidays, and who is away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from hms.appointments.availability import queries, rules
from hms.appointments.enums import Status
from hms.core import clock

from .day_queries import Column, fill_column, group_by_doctor, list_board_doctors
from .week_queries import list_week_days, load_times

MAX_DOCTORS = 200
DAY = timedelta(days=1)


@dataclass(slots=True)
class CalendarDay:
    """One day of all doctors, or of some. `away` are the names of the doctors who are away at some time of it."""

    day: date
    free: int = 0
    booked: int = 0
    holiday: str | None = None
    away: dict[int, str] = field(default_factory=dict)


def list_month_days(day: date) -> list[date]:
    """The days of the weeks, from Monday to Sunday, that the month of `day` touches."""
    first = list_week_days(day.replace(day=1))[0]
    last = list_week_days((day.replace(day=28) + 4 * DAY).replace(day=1) - DAY)[-1]
    return [first + number * DAY for number in range((last - first).days + 1)]


def count_days(
    first: date,
    last: date,
    *,
    department_id: int | None = None,
    doctor_id: int | None = None,
    now: datetime | None = None,
) -> list[CalendarDay]:
    """The days from `first` to `last`, for all doctors, those of a department, or one."""
    now, days = now or clock.now(), [first + number * DAY for number in range((last - first).days + 1)]
    doctors = list_board_doctors(first, last, department_id, doctor_id)[:MAX_DOCTORS]
    names = {doctor.id: doctor.name for doctor in doctors}
    hours, absences, holidays = queries.get_hours_and_absences(first, last, names)
    counted = {day: CalendarDay(day, holiday=holidays.get(day)) for day in days}
    _add_away(counted, absences, names)
    hours_of, away_of, booked = group_by_doctor(hours), group_by_doctor(absences), load_times(list(names), days)
    for one in names:
        by_weekday = _group_by_weekday(hours_of[one])
        for day in days:
            free, taken = _count_day(day, by_weekday[day.weekday()], away_of[one], booked[one, day], now)
            counted[day].free += free
            counted[day].booked += taken
    return list(counted.values())


def _count_day(day: date, hours: list[Any], away: list[Any], booked: list[Any], now: datetime) -> tuple[int, int]:
    """The free and the booked places of a doctor's day, as the board of the day counts them."""
    if clock.day_bounds(day)[1] <= now:
        return 0, sum(booking.status != Status.NO_SHOW for booking in booked)
    if not booked:
        begins, ends = clock.day_bounds(day)
        near = [absence for absence in away if absence.starts < ends and begins < absence.ends]
        return sum(slot.places for slot in rules.filter_free_slots(rules.cut_slots(hours, day, near), (), now)), 0
    column = fill_column(Column(0, "", None), day, hours, away, booked, now)
    return column.free, column.booked


def _group_by_weekday(hours: Iterable[Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in hours:
        groups[row.weekday].append(row)
    return groups


def _add_away(counted: dict[date, CalendarDay], absences: Iterable[Any], names: dict[int, str]) -> None:
    for absence in absences:
        if absence.id is None:
            continue  # a holiday, which all doctors have
        for day in _days_of(absence, counted):
            counted[day].away[absence.doctor_id] = names[absence.doctor_id]


def _days_of(absence: Any, counted: dict[date, CalendarDay]) -> list[date]:
    first = clock.local(absence.starts).date()
    last = clock.local(absence.ends - timedelta(microseconds=1)).date()
    return [day for day in counted if first <= day <= last]
