"""A doctor's time on several days, to find out whether many bookings fit before any of them is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from hms.appointments.availability.rules import Absence, Hours, cut_slots, find_place, hours_on_day, merge_hours
from hms.appointments.enums import Clash
from hms.core import clock

from .rules import MAX_ADVANCE

DAY = timedelta(days=1)


class Target(NamedTuple):
    """A time for a booking, in hospital time."""

    day: date
    time: time


class Occupied(NamedTuple):
    """A time in UTC that an open booking takes from a doctor and a patient."""

    id: int
    doctor_id: int
    patient_id: int
    day: date
    starts: datetime
    ends: datetime
    place: int
    is_overbooked: bool


class Timetable:
    """The time of a doctor and of some patients on several days. `take` and `place` write what they give into it.

    The bookings that are placed have `id`, `patient_id`, `date`, `time` and `duration_minutes`.
    """

    def __init__(
        self,
        doctor_id: int,
        hours: Iterable[Hours],
        absences: Iterable[Absence],
        holidays: Mapping[date, str],
        occupied: Iterable[Occupied],
    ) -> None:
        self.doctor_id, self.now, self.holidays = doctor_id, clock.now(), holidays
        self.hours, self.absences = list(hours), list(absences)
        self.by_day: dict[date, list[Occupied]] = defaultdict(list)
        for one in occupied:
            self.by_day[one.day].append(one)

    def place(self, bookings: Iterable[Any], days: timedelta) -> dict[int, Target]:
        """The new time of each booking that fits `days` later, by its id, in the order in which they can be moved.

        A booking keeps its time of day where that is free. Those whose time is taken get, earliest first, the next free time
        after it, else the last one before.
        """
        placed: dict[int, Target] = {}
        displaced = []
        for booking in bookings:
            target = Target(booking.date + days, booking.time)
            if self.take(booking, target) is None:
                placed[booking.id] = target
            else:
                displaced.append((booking, target))
        for booking, wish in displaced:
            target = next((target for target in self._nearby(wish) if self.take(booking, target) is None), None)
            if target is not None:
                placed[booking.id] = target
        return placed

    def _nearby(self, wish: Target) -> list[Target]:
        times = [slot.time for slot in cut_slots(self.hours, wish.day, self.absences)]
        later, earlier = [at for at in times if at > wish.time], [at for at in times if at < wish.time]
        return [Target(wish.day, at) for at in [*later, *reversed(earlier)]]

    def take(self, booking: Any, target: Target) -> Clash | None:
        """Give the booking this time, or say why it does not fit."""
        starts = clock.at(*target)
        ends = starts + timedelta(minutes=booking.duration_minutes)
        found = self._find_place(booking, target, starts, ends)
        if isinstance(found, Clash):
            return found
        self.by_day[booking.date] = [one for one in self.by_day[booking.date] if one.id != booking.id]
        taken = Occupied(booking.id, self.doctor_id, booking.patient_id, target.day, starts, ends, found, False)
        self.by_day[target.day].append(taken)
        return None

    def find_clash(self, booking: Any, target: Target) -> Clash | None:
        """Why the booking does not fit at this time; None when it does."""
        starts = clock.at(*target)
        found = self._find_place(booking, target, starts, starts + timedelta(minutes=booking.duration_minutes))
        return found if isinstance(found, Clash) else None

    def _find_place(self, booking: Any, target: Target, starts: datetime, ends: datetime) -> int | Clash:
        clash = self._find_closed(target, starts, ends, booking.duration_minutes)
        if clash is not None:
            return clash
        days = (target.day - DAY, target.day, target.day + DAY)
        near = [one for day in days for one in self.by_day.get(day, ()) if starts < one.ends and one.starts < ends]
        near = [one for one in near if one.id != booking.id]
        if any(one.patient_id == booking.patient_id for one in near):
            return Clash.PATIENT_BOOKED
        hours = hours_on_day(self.hours, target.day)
        capacity = next((span.capacity for span in hours if span.starts <= target.time < span.ends), 1)
        place = find_place(capacity, [one for one in near if one.doctor_id == self.doctor_id])
        return Clash.DOCTOR_BOOKED if place is None else place

    def _find_closed(self, target: Target, starts: datetime, ends: datetime, minutes: int) -> Clash | None:
        """Why nobody can be booked then; the same rules as `rules.check_bookable`."""
        if target.day in self.holidays:
            return Clash.HOLIDAY
        if starts < self.now:
            return Clash.PAST
        if starts - self.now > MAX_ADVANCE:
            return Clash.TOO_FAR
        if clock.has_clock_change(*target, minutes):
            return Clash.CLOCK_CHANGE
        if any(starts < absence.ends and absence.starts < ends for absence in self.absences):
            return Clash.AWAY
        spans = merge_hours(self.hours, target.day)
        if spans and not any(opens <= starts and ends <= closes for opens, closes in spans):
            return Clash.NO_CLINIC
        return None
