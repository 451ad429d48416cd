"""What a series would become: the dates of a new one, and a change of one booking and all that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from types import SimpleNamespace
from typing import NamedTuple

from sqlalchemy import Row, Select, tuple_

from hms.appointments.bookings import plans
from hms.appointments.bookings.queries import load_timetable, select_bookings
from hms.appointments.bookings.timetable import Target
from hms.appointments.enums import Clash, Status
from hms.appointments.models import Appointment
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from . import rules
from .rules import Pattern

REPEATABLE = frozenset({Status.SCHEDULED, Status.CHECKED_IN, Status.IN_SERVICE, Status.COMPLETED})


class Occurrence(NamedTuple):
    """A date of a series that is planned; `clash` says why nothing can be booked then, `holiday` is the name of the day."""

    target: Target
    clash: Clash | None
    holiday: str | None


@dataclass(frozen=True)
class SeriesPlan:
    """The dates on which a booking would be repeated."""

    booking_id: int
    version: int
    occurrences: list[Occurrence]

    @property
    def free(self) -> list[Target]:
        return [one.target for one in self.occurrences if one.clash is None]

    @property
    def key(self) -> str:
        """See `plans.make_key`."""
        return plans.make_key(self.booking_id, self.version, self.occurrences)


class Shift(NamedTuple):
    """The new date, time and doctor of the booking from which a series moves; those that follow move by as many days."""

    day: date
    time: time
    doctor_id: int


class Step(NamedTuple):
    """A booking of a series and its new time, or why it stays."""

    booking: Row
    target: Target | None = None
    clash: Clash | None = None


@dataclass(frozen=True)
class FollowingPlan:
    """A booking and all that follow: where each moves to, in the order in which it can be done; without a shift they are
    cancelled."""

    shift: Shift | None
    steps: list[Step]

    @property
    def moved(self) -> list[Step]:
        return [step for step in self.steps if step.target is not None]

    @property
    def left(self) -> list[Step]:
        """Those that stay; none when all are cancelled."""
        return [step for step in self.steps if step.clash is not None]

    @property
    def by_time(self) -> list[Step]:
        return plans.by_time(self.steps)

    @property
    def key(self) -> str:
        """See `plans.make_key`."""
        lines = [(step.booking.id, step.booking.version, step.target, step.clash) for step in self.steps]
        return plans.make_key(self.shift, lines)


def plan_series(booking: Row | Appointment, pattern: Pattern) -> SeriesPlan:
    """The dates of the pattern after the booking, each with what stands against it. Raises `RuleBroken` for a wrong pattern."""
    if booking.status not in REPEATABLE:
        raise RuleBroken(N_("Only an appointment that is booked or has been can be repeated."), code="bad_move")
    dates = rules.list_dates(booking.date, pattern)
    timetable = load_timetable(booking.doctor_id, dates[0], dates[-1], [booking.patient_id])
    occurrences = []
    for number, day in enumerate(dates, 1):
        target = Target(day, booking.time)
        wanted = SimpleNamespace(
            id=-number,
            patient_id=booking.patient_id,
            date=day,
            time=booking.time,
            duration_minutes=booking.duration_minutes,
        )
        occurrences.append(Occurrence(target, timetable.take(wanted, target), timetable.holidays.get(day)))
    return SeriesPlan(booking.id, booking.version, occurrences)


def select_following(booking: Row | Appointment, who: Person) -> Select:
    """The booking and those of its series that follow, of the same patient, that are still to come and that `who` may change."""
    query = (
        select_bookings()
        .add_columns(Appointment.version)
        .where(
            Appointment.series_id == booking.series_id,
            Appointment.patient_id == booking.patient_id,
            tuple_(Appointment.date, Appointment.time) >= (booking.date, booking.time),
            Appointment.status == Status.SCHEDULED.value,
        )
    )
    if not who.may(Permission.EDIT_ANY_APPOINTMENT):
        query = query.where(Appointment.doctor_id == who.id)
    return query.order_by(Appointment.date, Appointment.time, Appointment.id)


def list_series(booking: Row) -> Sequence[Row]:
    """All bookings of the series of a booking, by date."""
    query = select_bookings().where(
        Appointment.series_id == booking.series_id, Appointment.patient_id == booking.patient_id
    )
    query = query.order_by(Appointment.date, Appointment.time, Appointment.id)
    return db.session.execute(query.limit(2 * rules.MAX_TIMES)).all()


def plan_following(booking: Row | Appointment, shift: Shift | None, who: Person) -> FollowingPlan:
    """What would become of the booking and those that follow: they move, or are cancelled without a shift."""
    rows = db.session.execute(select_following(booking, who)).all()
    if shift is None or not rows:
        return FollowingPlan(shift, [Step(row) for row in rows])
    if not 1900 <= shift.day.year <= 2999:
        raise RuleBroken(N_("Check the year."), "date")
    days = shift.day - booking.date
    first, last = rows[0].date + days, rows[-1].date + days
    timetable = load_timetable(shift.doctor_id, first, last, [booking.patient_id])
    # From the far end, so that none takes the time of one that has not moved yet.
    ordered = rows[::-1] if days > timedelta() else rows
    steps = []
    for row in ordered:
        target = Target(row.date + days, shift.time)
        clash = timetable.take(row, target)
        steps.append(Step(row, None if clash else target, clash))
    return FollowingPlan(shift, steps)
