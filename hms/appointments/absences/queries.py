"""Reads of absences, and what would become of the bookings in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, Select, select

from hms.appointments.availability.queries import AbsenceRow, is_booked_between
from hms.appointments.bookings import plans
from hms.appointments.bookings.queries import load_timetable, select_bookings
from hms.appointments.bookings.timetable import Target, Timetable
from hms.appointments.enums import AwayChoice, Status, StayReason
from hms.appointments.models import Absence, Appointment
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.messages.enums import Channel
from hms.messages.kinds import Recipient
from hms.messages.preferences.queries import find_channels
from hms.patients.models import Patient
from hms.staff import directory
from hms.staff.directory import display_name_column
from hms.staff.models import User

from . import rules
from .rules import Instruction


class Span(NamedTuple):
    """A doctor's time between two instants (UTC)."""

    doctor_id: int
    starts: datetime
    ends: datetime


class Step(NamedTuple):
    """A booking in the time of an absence: where it moves to, that it is cancelled, or why it stays. `channel` is how the
    patient would be told; None when nothing changes or the patient cannot be told."""

    booking: Row
    target: Target | None = None
    is_cancelled: bool = False
    stays: StayReason | None = None
    channel: Channel | None = None


@dataclass(frozen=True)
class Plan:
    """What becomes of the bookings in the time of an absence, in the order in which it can be done."""

    span: Span
    instruction: Instruction | None
    steps: list[Step]

    @property
    def moved(self) -> int:
        return sum(step.target is not None for step in self.steps)

    @property
    def cancelled(self) -> int:
        return sum(step.is_cancelled for step in self.steps)

    @property
    def left(self) -> dict[StayReason, int]:
        """How many stay, by reason."""
        reasons = [step.stays for step in self.steps if step.stays is not None]
        return {reason: reasons.count(reason) for reason in StayReason if reason in reasons}

    @property
    def by_time(self) -> list[Step]:
        """The steps in the order of the bookings."""
        return plans.by_time(self.steps)

    @property
    def key(self) -> str:
        """See `plans.make_key`."""
        lines = [
            (step.booking.id, step.booking.version, step.target, step.is_cancelled, step.stays) for step in self.steps
        ]
        return plans.make_key(self.span, self.instruction, lines)


def may_keep_time_of(doctor_id: int, who: Person) -> bool:
    """Whether `who` may say when the doctor is away: doctors for themselves, others for all."""
    return doctor_id == who.id or who.may(Permission.MANAGE_HOURS) or who.may(Permission.EDIT_ANY_APPOINTMENT)


def check_instruction(span: Span, instruction: Instruction | None) -> None:
    """Raise `RuleBroken` for an instruction that cannot be followed."""
    if instruction is None:
        return
    rules.check_instruction(instruction, span.doctor_id, clock.today())
    if instruction.choice is AwayChoice.MOVE_DOCTOR and directory.doctor(instruction.doctor_id) is None:
        raise RuleBroken(N_("Choose another doctor."), "to_doctor")


def make_plan(span: Span, instruction: Instruction | None) -> Plan:
    """What would become of the bookings in this time of the doctor. Without an instruction: which bookings there are.

    Raises `RuleBroken` for an instruction that cannot be followed, and for too many bookings at once.
    """
    check_instruction(span, instruction)
    bookings = _list_bookings(span)
    if len(bookings) > rules.MAX_BOOKINGS:
        message = N_("There are more than %(most)s appointments in that time. Choose a shorter time.")
        raise RuleBroken(message, "ends", code="too_many", most=rules.MAX_BOOKINGS)
    if instruction is None:
        return Plan(span, None, [Step(booking) for booking in bookings])
    stays = {booking.id: _find_stay_reason(booking, instruction) for booking in bookings}
    going = [booking for booking in bookings if stays[booking.id] is None]
    if instruction.choice is AwayChoice.CANCEL:
        steps = [Step(booking, is_cancelled=True) for booking in going]
    else:
        steps = _place(span, instruction, going)
    steps += [Step(booking, stays=stays[booking.id]) for booking in bookings if stays[booking.id] is not None]
    return Plan(span, instruction, _with_channels(steps))


def _list_bookings(span: Span) -> Sequence[Row]:
    columns = (Appointment.version, Patient.phone, Patient.email, Patient.language)
    query = select_bookings().add_columns(*columns, Patient.status.label("patient_status"))
    query = query.where(Appointment.doctor_id == span.doctor_id, *is_booked_between(span.starts, span.ends))
    query = query.order_by(Appointment.date, Appointment.time, Appointment.id)
    return db.session.execute(query.limit(rules.MAX_BOOKINGS + 1)).all()


def _find_stay_reason(booking: Row, instruction: Instruction) -> StayReason | None:
    if booking.status != Status.SCHEDULED:
        return StayReason.HERE
    return None if instruction.choice is AwayChoice.CANCEL or _is_in_use(booking) else StayReason.NOT_IN_USE


def _is_in_use(booking: Row) -> bool:
    """Whether the patient lives, and the record was neither withdrawn nor merged."""
    return booking.patient_status == "active" and booking.deceased_on is None and not booking.deceased_text


def _place(span: Span, instruction: Instruction, bookings: list[Row]) -> list[Step]:
    if not bookings:
        return []
    doctor_id, days = span.doctor_id, timedelta()
    if instruction.choice is AwayChoice.MOVE_DOCTOR:
        doctor_id = instruction.doctor_id
    else:
        days = instruction.day - clock.local(span.starts).date()
    timetable = _load_timetable(span, doctor_id, days, bookings)
    placed, by_id = timetable.place(bookings, days), {booking.id: booking for booking in bookings}
    steps = [Step(by_id[booking_id], target) for booking_id, target in placed.items()]
    return steps + [Step(booking, stays=StayReason.NO_PLACE) for booking in bookings if booking.id not in placed]


def _load_timetable(span: Span, doctor_id: int, days: timedelta, bookings: list[Row]) -> Timetable:
    try:
        first, last = bookings[0].date + days, bookings[-1].date + days
    except OverflowError:
        raise RuleBroken(N_("Check the year."), "to_date") from None
    own = [AbsenceRow(None, doctor_id, span.starts, span.ends, "")] if doctor_id == span.doctor_id else []
    return load_timetable(doctor_id, first, last, {booking.patient_id for booking in bookings}, own)


def _with_channels(steps: list[Step]) -> list[Step]:
    """Add how the patients of the changed bookings would be told; of past ones nobody is told that they are cancelled."""
    if not settings.value("messages.tell_changes"):
        return steps
    now = clock.now()
    told = [step.booking for step in steps if step.stays is None and _is_told(step, now)]
    channels = find_channels(Recipient(one.patient_id, one.phone, one.email, one.language) for one in told)
    ids = {booking.id for booking in told}
    return [
        step._replace(channel=channels.get(step.booking.patient_id)) if step.booking.id in ids else step
        for step in steps
    ]


def _is_told(step: Step, now: datetime) -> bool:
    booking = step.booking
    return _is_in_use(booking) and (step.target is not None or clock.at(booking.date, booking.time) > now)


def select_absences() -> Select:
    """Absences with the names of the doctors."""
    columns = (Absence.id, Absence.doctor_id, Absence.starts, Absence.ends, Absence.reason)
    names = display_name_column().label("doctor_name")
    query = select(*columns, names, Absence.created_at, Absence.updated_at)
    return query.join(User, User.id == Absence.doctor_id)


def get_absence(absence_id: int) -> Row:
    """One absence; raises `NotFound`."""
    row = db.session.execute(select_absences().where(Absence.id == absence_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


def covers(span: Span) -> ColumnElement[bool]:
    """The condition of absences of the doctor that last for all of this time."""
    is_all = (Absence.starts <= span.starts) & (Absence.ends >= span.ends)
    return (Absence.doctor_id == span.doctor_id) & is_all
