"""Book and move. Exclusion constraints of `Appointment` prevent overlaps; this module turns them into messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.exc import IntegrityError

from hms.appointments.availability import queries
from hms.appointments.availability.queries import lock_doctor
from hms.appointments.availability.rules import check_clock_change, check_no_holiday
from hms.appointments.enums import Status
from hms.appointments.models import Appointment
from hms.appointments.reminders.kinds import BOOKED, MOVED, tell
from hms.appointments.visit_types.queries import get_open_visit_type
from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action, roll_back
from hms.core.db.constraint_messages import domain_error_for
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person, System
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.messages.kinds import MessageKind
from hms.patients import lookup
from hms.patients.models import Patient

from . import rules

NO_APPOINTMENT = N_("This appointment does not exist.")


class SlotTaken(Conflict):
    """The time is taken. `alternative` is the doctor's next free (day, time) in hospital time, or None; `overbooking_left` is
    how many more patients the clinic hours of that time allow."""

    alternative: tuple[dt.date, dt.time] | None = None
    overbooking_left: int = 0


def lock_patient(patient_id: int | None, *, is_booked: bool = False) -> int:
    """Lock the patient until the action ends; raises `RuleBroken` for one who is not active or has died.

    Whoever may see the booking of a patient (`is_booked`) may know that the record was withdrawn.
    """
    row = db.session.execute(_patient_for_lock(), {"patient_id": patient_id}).one_or_none()
    if row is not None and row.status == "merged":
        raise RuleBroken.from_error(lookup.missing_patient(patient_id), "patient", code="merged")
    if row is None or row.status != "active":
        if is_booked:
            raise RuleBroken(N_("This patient's record is no longer in use. Restore the record first."), "patient")
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "patient", id=patient_id)
    if row.deceased_on is not None or row.deceased_text:
        raise RuleBroken(N_("This patient has died. Check that it is the right patient."), "patient")
    return patient_id


@cache
def _patient_for_lock() -> Select:
    patient_id = bindparam("patient_id")
    query = select(Patient.status, Patient.deceased_on, Patient.deceased_text).where(Patient.id == patient_id)
    return query.with_for_update(key_share=True)


def lock_appointment(appointment_id: int, by: Person) -> Appointment:
    """The booking, locked; raises `NotFound` when withdrawn, or when `by` may edit only their own and it is not theirs."""
    booking = get_for_update(Appointment, appointment_id)
    is_theirs = by.may(Permission.EDIT_ANY_APPOINTMENT) or booking.doctor_id == by.id
    if booking.withdrawn_at is not None or not is_theirs:
        raise NotFound(NO_APPOINTMENT)
    return booking


def _get_allowed_duration(doctor_id: int, date: dt.date, time: dt.time, requested: int | None, by: Person) -> int:
    """The length in minutes: `requested`, else the doctor's slot, else the setting. Raises `RuleBroken` when not bookable.

    A doctor without clinic hours on the day may be booked at any time: the board shows it as extra.
    """
    _check_year(date)
    if isinstance(by, System) and requested:
        return requested
    hours, absences, holidays = queries.get_hours_and_absences(date, date, [doctor_id])
    minutes = requested or _choose_minutes(hours, time)
    if not isinstance(by, System):
        check_no_holiday(holidays.get(date))
        starts = clock.at(date, time)
        rules.check_bookable(starts, clock.now(), minutes, hours=hours or None, absences=absences)
        check_clock_change(date, time, minutes)
    return minutes


def get_usual_minutes(doctor_id: int, date: dt.date, time: dt.time) -> int:
    """The length of a booking for which none is asked: the doctor's slot, else the setting."""
    return _choose_minutes(queries.get_hours_and_absences(date, date, [doctor_id]).hours, time)


def _choose_minutes(hours: Iterable[queries.HoursRow], time: dt.time) -> int:
    slot_minutes = next((row.slot_minutes for row in hours if row.starts <= time < row.ends), None)
    return slot_minutes or settings.value("appointments.slot_minutes")


def _check_year(date: dt.date) -> None:
    """Refuse years that would overflow calendar arithmetic."""
    if not 1900 <= date.year <= 2999:
        raise RuleBroken(N_("Check the year."), "date")


@contextmanager
def report_taken_slot(doctor_id: int, date: dt.date, time: dt.time, minutes: int | None = None) -> Iterator[None]:
    """Write a booking inside this block. Raises `SlotTaken` with the doctor's next free slot when the time is taken; `minutes`
    is the length of the visit when it does not follow the slot.

    It rolls the action back first, so that no lock is held while the next free slot is looked up.
    """
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
        roll_back()
        raise _slot_taken_error(domain_error_for(error), doctor_id, date, time, minutes) from error


def _slot_taken_error(
    refusal: Conflict, doctor_id: int, date: dt.date, time: dt.time, minutes: int | None
) -> SlotTaken:
    error = SlotTaken.from_error(refusal, refusal.field, code=refusal.code)
    if refusal.code != "doctor_booked":
        return error
    error.overbooking_left = left = queries.count_overbooking_left(doctor_id, date, time)
    next_free = queries.find_next_free_slot(doctor_id, max(clock.at(date, time), clock.now()), minutes)
    if next_free is None:
        return error
    day, slot = next_free
    message = N_("This time was just taken. The next free time is %(time)s.")
    error = SlotTaken(message, refusal.field, code=refusal.code, time=_format_slot(day, slot.time, date))
    error.alternative, error.overbooking_left = (day, slot.time), left
    return error


def _format_slot(day: dt.date, time: dt.time, requested_day: dt.date) -> str:
    return f"{time:%H:%M}" if day == requested_day else f"{day:%d-%b-%Y} {time:%H:%M}"


@action(Permission.BOOK, "appointments.book")
def book(
    *,
    patient_id: int,
    doctor_id: int,
    date: dt.date,
    time: dt.time,
    duration_minutes: int | None = None,
    visit_type_id: int | None = None,
    notes: str = "",
    is_overbooked: bool = False,
    series_id: int | None = None,
    news: MessageKind | None = BOOKED,
    by: Person,
) -> Appointment:
    """Book `date` and `time` (hospital time) with a doctor; the default duration is that of the visit type, or the doctor's
    slot. With `is_overbooked` it may be beyond the places of the time, if its clinic hours allow one more. The patient is told
    the `news`.

    Raises `SlotTaken` when doctor or patient is booked then, `RuleBroken` when the time is past or outside clinic hours.
    """
    if is_overbooked and not by.may(Permission.OVERBOOK):
        raise NotAllowed(N_("Your role may not book more patients than there are places."))
    lock_patient(patient_id)
    if visit_type_id is not None:
        duration_minutes = duration_minutes or get_open_visit_type(visit_type_id).minutes
    booking = Appointment(
        patient_id=patient_id,
        doctor_id=doctor_id,
        date=date,
        time=time,
        duration_minutes=_get_allowed_duration(doctor_id, date, time, duration_minutes, by),
        visit_type_id=visit_type_id,
        notes=notes,
        is_overbooked=is_overbooked,
        series_id=series_id,
        booked_by_id=by.id,
    )
    with report_taken_slot(doctor_id, date, time, duration_minutes):
        lock_doctor(doctor_id)
        db.session.add(booking)
        db.session.flush()
    tell(news, booking)
    publish(Event.APPOINTMENTS_CHANGED)
    return booking


@action(Permission.MOVE_APPOINTMENT, "appointments.move")
def move(
    appointment_id: int,
    *,
    date: dt.date,
    time: dt.time,
    doctor_id: int | None = None,
    duration_minutes: int | None = None,
    version: int | None = None,
    news: MessageKind | None = MOVED,
    by: Person,
) -> Appointment:
    """Change date and time (hospital time), duration or doctor. The old time is kept as a linked `rescheduled` row, and the
    patient is told the `news`.

    Raises `StaleVersion` when `version` is not the present one.
    """
    booking = lock_appointment(appointment_id, by)
    if version is not None and booking.version != version:
        raise StaleVersion(STALE_MESSAGE)
    doctor_id = doctor_id or booking.doctor_id
    is_same_doctor = doctor_id == booking.doctor_id
    keeps_length = is_same_doctor or booking.visit_type_id is not None
    length = duration_minutes or (booking.duration_minutes if keeps_length else None)
    if (is_same_doctor, date, time, length) == (True, booking.date, booking.time, booking.duration_minutes):
        return booking
    is_told = (is_same_doctor, date, time) != (True, booking.date, booking.time)  # the length is not in any message
    rules.check_status_change(booking.status, Status.RESCHEDULED)
    lock_patient(booking.patient_id, is_booked=True)
    minutes = _get_allowed_duration(doctor_id, date, time, length, by)
    with report_taken_slot(doctor_id, date, time, length):
        lock_doctor(doctor_id)
        old = _add_old_time(booking)
        db.session.flush()
        booking.rescheduled_from_id, booking.missed_at = old.id, None
        booking.is_overbooked = booking.is_overbooked and not is_told
        booking.doctor_id, booking.date, booking.time, booking.duration_minutes = doctor_id, date, time, minutes
        booking.increment_version()
    if is_told:
        booking.confirmed_at = booking.confirmed_by_id = None
        tell(news, booking)
    publish(Event.APPOINTMENTS_CHANGED)
    return booking


def _add_old_time(booking: Appointment) -> Appointment:
    """Add a `rescheduled` row with the booking's present time."""
    old = Appointment(
        patient_id=booking.patient_id,
        doctor_id=booking.doctor_id,
        date=booking.date,
        time=booking.time,
        duration_minutes=booking.duration_minutes,
        visit_type_id=booking.visit_type_id,
        is_overbooked=booking.is_overbooked,
        status=Status.RESCHEDULED.value,
        notes=booking.notes,
        booked_by_id=booking.booked_by_id,
        rescheduled_from_id=booking.rescheduled_from_id,
    )
    db.session.add(old)
    return old
