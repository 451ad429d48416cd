"""Rules of absences, and what may become of the bookings in one."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from hms.appointments.availability.rules import check_clock_change
from hms.appointments.bookings.rules import MAX_ADVANCE
from hms.appointments.enums import AwayChoice
from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_LENGTH = timedelta(days=366)
MAX_AHEAD = timedelta(days=5 * 366)
MAX_BOOKINGS = 300


class Instruction(NamedTuple):
    """What the bookings of an absence become. When they move to another day, its first day becomes `day`, and the others
    follow by as many days."""

    choice: AwayChoice
    day: date | None = None
    doctor_id: int | None = None


def make_instruction(choice: str | None, day: date | None = None, doctor_id: int | None = None) -> Instruction | None:
    """The instruction with what belongs to the choice; None without a choice."""
    if not choice:
        return None
    moves_day, moves_doctor = choice == AwayChoice.MOVE_DAY, choice == AwayChoice.MOVE_DOCTOR
    return Instruction(AwayChoice(choice), day if moves_day else None, doctor_id if moves_doctor else None)


def read_times(first: date, starts: time | None, last: date | None, ends: time | None) -> tuple[datetime, datetime]:
    """Begin and end in UTC of an absence that was typed in hospital time: from the start of the first day and to the end of
    the last one, where no time is given. Raises `RuleBroken` for a time that the clocks skip."""
    last = last or first
    if starts is not None:
        check_clock_change(first, starts, field="starts")
    if ends is not None:
        check_clock_change(last, ends, field="ends")
    begin = clock.day_bounds(first)[0] if starts is None else clock.at(first, starts)
    return begin, clock.day_bounds(last)[1] if ends is None else clock.at(last, ends)


def check_times(starts: datetime, ends: datetime, now: datetime) -> None:
    """Raise `RuleBroken` for an absence that is over, has no length, is longer than a year, or is too far ahead."""
    if ends <= starts:
        raise RuleBroken(N_("The end must be after the start."), "ends")
    if ends < now:
        raise RuleBroken(N_("That time is past. Choose a later one."), "ends")
    if ends - starts > MAX_LENGTH:
        raise RuleBroken(N_("You can block at most one year at once."), "ends")
    if ends - now > MAX_AHEAD:
        raise RuleBroken(N_("That is more than five years ahead. Check the year."), "date")


def check_instruction(instruction: Instruction, doctor_id: int, today: date) -> None:
    """Raise `RuleBroken` when the day or the doctor is missing, or cannot be the right one."""
    if instruction.choice is AwayChoice.MOVE_DAY:
        if instruction.day is None:
            raise RuleBroken(N_("Enter the day to which the appointments move."), "to_date")
        if instruction.day < today:
            raise RuleBroken(N_("That day is past. Choose a later one."), "to_date")
        if instruction.day - today > MAX_ADVANCE:
            raise RuleBroken(N_("That is more than two years ahead. Check the year."), "to_date")
    if instruction.choice is AwayChoice.MOVE_DOCTOR and instruction.doctor_id in (None, doctor_id):
        raise RuleBroken(N_("Choose another doctor."), "to_doctor")
