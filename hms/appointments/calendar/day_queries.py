"""Reads for the day board: one column for each doctor, one row for each time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, bindparam, exists, or_, select

from hms.appointments import enums
from hms.appointments.availability import queries, rules
from hms.appointments.bookings.rules import late_starts
from hms.appointments.enums import Status
from hms.appointments.models import Appointment, VisitType, WorkingHours
from hms.core import clock
from hms.core.db.fixed_words import fixed_words
from hms.core.db.name_order import name_key
from hms.core.db.session import db
from hms.patients.identity.columns import IDENTITY, Identified
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import Department, Role, User

COLUMNS_PER_PAGE = 8
HIDDEN_STATUSES = (Status.CANCELLED.value, Status.RESCHEDULED.value)
CELL_KINDS = {
    Status.SCHEDULED: "booked",
    Status.CHECKED_IN: "arrived",
    Status.IN_SERVICE: "serving",
    Status.COMPLETED: "seen",
    Status.NO_SHOW: "missed",
}


@dataclass(slots=True)
class BoardBooking(Identified):
    """A booking on a board: patient, time, duration and status."""

    id: int
    doctor_id: int
    date: dt.date
    time: dt.time
    duration_minutes: int
    status: str
    version: int
    visit_type: str | None = None
    mark: str | None = None
    colour: str | None = None
    place: int = 1
    is_overbooked: bool = False


BOARD_COLUMNS = (
    *IDENTITY,
    Appointment.id,
    Appointment.doctor_id,
    Appointment.date,
    Appointment.time,
    Appointment.duration_minutes,
    Appointment.status,
    Appointment.version,
    VisitType.name.label("visit_type"),
    VisitType.mark,
    VisitType.colour,
    Appointment.place,
    Appointment.is_overbooked,
)
"""The columns of `BoardBooking`, in its order."""


@dataclass(slots=True)
class Cell:
    """A doctor's slot or booking. `kind`: free, past, blocked, busy (the booking before runs on), overbook (full, but the
    clinic hours allow more), or one of `CELL_KINDS`.

    `reason` is why the time is blocked; `left` how many patients may still be booked; `is_extra` marks a booking outside the
    slots, `is_late` a patient who should be here and is not.
    """

    kind: str
    booking: BoardBooking | None = None
    reason: str = ""
    is_extra: bool = False
    is_late: bool = False
    left: int = 1


@dataclass(slots=True)
class Column:
    """One doctor's day: `offered` places and `booked` patients. `iso` is the day as addresses have it."""

    doctor_id: int
    name: str
    department: str | None
    cells: dict[dt.time, list[Cell]] = field(default_factory=lambda: defaultdict(list))
    booked: int = 0
    offered: int = 0
    day: dt.date | None = None
    iso: str = ""

    @property
    def free(self) -> int:
        """Number of places that can still be booked."""
        return sum(cell.left * (cell.kind == "free") for cells in self.cells.values() for cell in cells)

    @property
    def bookings(self) -> int:
        """Number of bookings shown, each with its patient's name."""
        return sum(cell.booking is not None for cells in self.cells.values() for cell in cells)


BoardRow = tuple[dt.time, list[tuple[Column, Sequence[Cell]]]]


def list_rows(columns: Sequence[Column], times: Iterable[dt.time]) -> list[BoardRow]:
    """The cells of each time, column by column. A board has hundreds, which a template would look up one by one."""
    return [(at, [(column, column.cells.get(at, ())) for column in columns]) for at in times]


class Present(NamedTuple):
    """Where now is on a board: before the row of `time`, or after it when that is the last row and the day is over."""

    time: dt.time
    is_after: bool


@dataclass(slots=True)
class DayBoard:
    """One day of all doctors. `now` is the place of the present when the day is today; `first` numbers the first column;
    `holiday` is the name of the holiday that the day is, or None."""

    day: dt.date
    columns: list[Column]
    times: list[dt.time]
    now: Present | None
    first: int
    doctors: int
    holiday: str | None

    @property
    def rows(self) -> list[BoardRow]:
        """The rows of the board."""
        return list_rows(self.columns, self.times)


def build_day_board(
    day: dt.date,
    *,
    department_id: int | None = None,
    doctor_id: int | None = None,
    own_id: int | None = None,
    first: int = 0,
    limit: int | None = COLUMNS_PER_PAGE,
    now: dt.datetime | None = None,
) -> DayBoard:
    """The board of `day`: `limit` doctors from number `first` on, all when None; the doctor `own_id` comes first. With a
    `department_id` or a `doctor_id` only of these."""
    now = now or clock.now()
    doctors = list_board_doctors(day, day, department_id, doctor_id)
    doctors.sort(key=lambda doctor: doctor.id != own_id)
    page = doctors[first : None if limit is None else first + limit]
    ids = [doctor.id for doctor in page]
    hours, away, bookings, holiday = _load_by_doctor(day, ids)
    columns = [
        fill_column(Column(d.id, d.name, d.department), day, hours[d.id], away[d.id], bookings[d.id], now) for d in page
    ]
    times = sorted({at for column in columns for at in column.cells})
    return DayBoard(day, columns, times, find_present([day], times, now), first, len(doctors), holiday)


def find_present(days: list[dt.date], times: list[dt.time], now: dt.datetime) -> Present | None:
    """The place of `now` among the rows `times`; None when today is none of the `days`."""
    wall = clock.local(now)
    if wall.date() not in days or not times:
        return None
    upcoming = next((at for at in times if at >= wall.time()), None)
    return Present(upcoming or times[-1], is_after=upcoming is None)


def list_board_doctors(
    first: dt.date, last: dt.date, department_id: int | None, doctor_id: int | None = None
) -> list[Row]:
    """Doctors with clinic hours or bookings on a day from `first` to `last`, by name; of a department, or one, when given."""
    weekdays = {(first + dt.timedelta(days=number)).weekday() for number in range(min((last - first).days + 1, 7))}
    values = {"first": first, "last": last, "weekdays": sorted(weekdays)}
    values |= {"department_id": department_id, "doctor_id": doctor_id}
    query = _holding(of_department=department_id is not None, of_one=doctor_id is not None)
    return sorted(db.session.execute(query, values), key=_by_name)


def _by_name(doctor: Row) -> tuple[Any, ...]:
    return (*name_key(doctor.last_name, doctor.first_name), doctor.id)


@cache
def _holding(*, of_department: bool, of_one: bool) -> Select:
    first, last, weekdays, department_id = (
        bindparam("first"),
        bindparam("last"),
        bindparam("weekdays"),
        bindparam("department_id"),
    )
    holds_clinic = exists().where(
        WorkingHours.doctor_id == User.id,
        WorkingHours.weekday.in_(weekdays),
        WorkingHours.valid_from <= last,
        or_(WorkingHours.valid_to.is_(None), WorkingHours.valid_to >= first),
    )
    is_booked = exists().where(
        Appointment.doctor_id == User.id,
        Appointment.date.between(first, last),
        Appointment.status.not_in(fixed_words(HIDDEN_STATUSES)),
    )
    names = (User.last_name, User.first_name, display_name_column().label("name"))
    query = (
        select(User.id, *names, Department.name.label("department"))
        .outerjoin(Role, Role.id == User.role_id)
        .outerjoin(Department, Department.id == User.department_id)
        .where(or_(and_(Role.code == "doctor", User.is_active, holds_clinic), is_booked))
    )
    if of_department:
        query = query.where(User.department_id == department_id)
    if of_one:
        query = query.where(User.id == bindparam("doctor_id"))
    return query


class _OfDay(NamedTuple):
    """Hours, absences and bookings of a day, each by doctor, and the name of its holiday."""

    hours: dict[int, list[Any]]
    away: dict[int, list[Any]]
    bookings: dict[int, list[Any]]
    holiday: str | None


def _load_by_doctor(day: dt.date, ids: list[int]) -> _OfDay:
    hours, away, holidays = queries.get_hours_and_absences(day, day, ids)
    bookings = [BoardBooking(*row) for row in db.session.execute(_bookings(), {"day": day, "doctor_ids": ids})]
    return _OfDay(*map(group_by_doctor, (hours, away, bookings)), holidays.get(day))


@cache
def _bookings() -> Select:
    day, doctor_ids = bindparam("day"), bindparam("doctor_ids")
    return select_board_bookings().where(Appointment.date == day, Appointment.doctor_id.in_(doctor_ids))


def select_board_bookings() -> Select:
    """Bookings shown on boards, with the columns of `BoardBooking`, by time."""
    return (
        select(*BOARD_COLUMNS)
        .join(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(VisitType, VisitType.id == Appointment.visit_type_id)
        .where(Appointment.status.not_in(fixed_words(HIDDEN_STATUSES)))
        .order_by(Appointment.time, Appointment.id)
    )


def group_by_doctor(rows: Iterable[Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.doctor_id].append(row)
    return groups


def fill_column(
    column: Column, day: dt.date, hours: list[Row], away: list[Row], bookings: list[BoardBooking], now: dt.datetime
) -> Column:
    """Fill `column` with the doctor's slots and bookings of `day`, and return it."""
    column.day, column.iso = day, day.isoformat()
    offered = rules.cut_slots(hours, day)
    on_grid, late = {slot.time: slot for slot in offered}, late_starts(bookings, now)
    for booking in bookings:
        cell = Cell(
            CELL_KINDS[booking.status], booking, is_extra=booking.time not in on_grid, is_late=booking.id in late
        )
        column.cells[booking.time].append(cell)
    _add_empty_cells(column, day, hours, away, bookings, offered, now)
    column.offered = sum(slot.places for slot in offered)
    column.booked = sum(booking.status != Status.NO_SHOW for booking in bookings)
    return column


def _add_empty_cells(
    column: Column,
    day: dt.date,
    hours: list[Any],
    away: list[Any],
    bookings: list[BoardBooking],
    offered: list[rules.Slot],
    now: dt.datetime,
) -> None:
    """Add a cell for each slot that is not full, and for each that may be overbooked."""
    open_bookings = [booking for booking in bookings if booking.status in enums.OCCUPYING_STATUSES]
    begun: dict[dt.time, set[queries.Span]] = defaultdict(set)
    for booking in open_bookings:
        begun[booking.time].add(queries.get_booking_span(booking))
    running = list(_off_grid_spans(open_bookings, {slot.time: slot for slot in offered}))
    extra = _overbooking_left(rules.hours_on_day(hours, day), open_bookings)
    for slot in offered:
        cell = _empty_cell(slot, begun.get(slot.time, set()), away, running, now)
        if cell is None and slot.starts + rules.LATE_BOOKING_GRACE >= now:
            left = next((left for starts, ends, left in extra if starts <= slot.time < ends), 0)
            cell = Cell("overbook", left=left) if left and not _find_absence(slot, away) else None
        if cell is not None and (cell.kind != "past" or slot.time not in column.cells):
            column.cells[slot.time].append(cell)


def _overbooking_left(hours: list[Any], bookings: list[BoardBooking]) -> list[tuple[dt.time, dt.time, int]]:
    """Start and end of the clinic hours that allow more patients than places, and how many more they still allow."""
    extra = []
    for span in hours:
        used = sum(booking.is_overbooked and span.starts <= booking.time < span.ends for booking in bookings)
        if span.overbooking > used:
            extra.append((span.starts, span.ends, span.overbooking - used))
    return extra


def _off_grid_spans(bookings: list[BoardBooking], on_grid: dict[dt.time, rules.Slot]) -> Iterator[queries.Span]:
    """Spans of the bookings that are longer than their slot or begin outside the slots."""
    for booking in bookings:
        slot = on_grid.get(booking.time)
        if slot is None or dt.timedelta(minutes=booking.duration_minutes) > slot.ends - slot.starts:
            yield queries.get_booking_span(booking)


def _empty_cell(
    slot: rules.Slot, begun: set[queries.Span], away: list[Any], running: list[queries.Span], now: dt.datetime
) -> Cell | None:
    """The cell for what is not booked of a slot; None when it is full of bookings that begin there (`begun`)."""
    taken = begun | {span for span in running if slot.starts < span.ends and span.starts < slot.ends}
    left = len(rules.free_places(slot.places, taken))
    if begun and not left:
        return None
    if absence := _find_absence(slot, away):
        return Cell("blocked", reason=absence.reason)
    if not left:
        return Cell("busy")
    return Cell("free" if slot.starts + rules.LATE_BOOKING_GRACE >= now else "past", left=left)


def _find_absence(slot: rules.Slot, away: list[Any]) -> Any | None:
    """The absence in the slot's time; None when there is none."""
    return next((absence for absence in away if slot.starts < absence.ends and absence.starts < slot.ends), None)
