"""Status changes that a booking and its queue entry share: check-in, cancelling, withdrawing."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, select

from hms.appointments import enums
from hms.appointments.availability.queries import lock_doctor
from hms.appointments.bookings import rules as booking_rules
from hms.appointments.bookings.actions import lock_appointment, lock_patient, move, report_taken_slot
from hms.appointments.enums import PointStatus, QueueStatus, Status
from hms.appointments.models import Appointment, PointEntry, QueueEntry, VisitType
from hms.appointments.reminders.kinds import BOOKED, CANCELLED, tell
from hms.appointments.visit_types.queries import get_open_visit_type
from hms.core import clock, gapless_numbers
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.messages.kinds import MessageKind

from . import queries, rules, steps

QUEUE_STATUS_OF: dict[Status, QueueStatus] = {
    Status.SCHEDULED: QueueStatus.CANCELLED,
    Status.CANCELLED: QueueStatus.CANCELLED,
    Status.CHECKED_IN: QueueStatus.WAITING,
    Status.IN_SERVICE: QueueStatus.IN_SERVICE,
    Status.COMPLETED: QueueStatus.DONE,
    Status.NO_SHOW: QueueStatus.LEFT,
}


@action(Permission.CHECK_IN, "appointments.check_in")
def check_in(appointment_id: int, *, priority: int = 3, by: Person) -> QueueEntry:
    """Check in a booked patient with the next token of today; raises `RuleBroken` on another day than the booking's."""
    return _check_in_booking(lock_appointment(appointment_id, by), enums.parse_priority(priority), by)


@action(Permission.CHECK_IN, "appointments.add_to_queue")
def add_to_queue(patient_id: int, *, doctor_id: int | None = None, priority: int = 3, by: Person) -> QueueEntry:
    """Check in a patient for a doctor, or for any when None. A matching booking of today is checked in instead."""
    parsed_priority = enums.parse_priority(priority)
    booking = _find_booking_today(patient_id, doctor_id)
    lock_patient(patient_id)
    if booking is not None:
        return _check_in_booking(booking, parsed_priority, by)
    if doctor_id is not None:
        lock_doctor(doctor_id)
    return add_entry(patient_id, doctor_id, parsed_priority, by)


def get_waiting_priority(patient_id: int) -> enums.Priority | None:
    """The priority with which a patient waits in today's queue; None when the patient does not wait."""
    priority = db.session.scalar(select(QueueEntry.priority).where(*_waiting_conditions(patient_id)))
    return None if priority is None else enums.Priority(priority)


def _waiting_conditions(patient_id: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions of the entry with which a patient waits in today's queue."""
    statuses = (QueueStatus.WAITING.value, QueueStatus.CALLED.value)
    is_today = QueueEntry.service_date == clock.today()
    return QueueEntry.patient_id == patient_id, is_today, QueueEntry.status.in_(statuses)


def raise_priority(patient_id: int, priority: enums.Priority) -> None:
    """Let a patient who waits today be called with `priority` at least; a higher one stays. To be called in an action."""
    query = select(QueueEntry).where(*_waiting_conditions(patient_id), QueueEntry.priority > int(priority))
    entry = db.session.scalars(query.with_for_update()).one_or_none()
    if entry is not None:
        entry.priority = int(priority)
        entry.last_step = None
        steps.forget_place(entry)
        steps.save(entry)


def _find_booking_today(patient_id: int, doctor_id: int | None) -> Appointment | None:
    query = select(Appointment).where(
        Appointment.patient_id == patient_id,
        Appointment.date == clock.today(),
        Appointment.status == Status.SCHEDULED.value,
        Appointment.withdrawn_at.is_(None),
    )
    if doctor_id is not None:
        query = query.where(Appointment.doctor_id == doctor_id)
    return db.session.scalars(query.order_by(Appointment.time).limit(1).with_for_update()).one_or_none()


def _check_in_booking(booking: Appointment, priority: int, by: Person) -> QueueEntry:
    if booking.date != clock.today():
        raise RuleBroken(
            N_("This appointment is for %(day)s. Move it to today first."), "date", day=f"{booking.date:%d-%b-%Y}"
        )
    if booking.status == Status.CHECKED_IN:
        raise Conflict(N_("This patient is already checked in."), code="already_checked_in")
    booking_rules.check_status_change(booking.status, Status.CHECKED_IN)
    lock_patient(booking.patient_id, is_booked=True)
    with report_taken_slot(booking.doctor_id, booking.date, booking.time):
        set_status(booking, Status.CHECKED_IN)
        booking.increment_version()
    entry = _entry_of_booking(booking.id)
    if entry is None:
        entry = add_entry(booking.patient_id, booking.doctor_id, priority, by, booking.id)
    else:
        set_queue_status(entry, QueueStatus.WAITING)
    publish(Event.APPOINTMENTS_CHANGED)
    return entry


def _entry_of_booking(appointment_id: int) -> QueueEntry | None:
    """The booking's queue entry that is not cancelled, also of a patient who left."""
    query = select(QueueEntry).where(
        QueueEntry.appointment_id == appointment_id, QueueEntry.status != QueueStatus.CANCELLED.value
    )
    return db.session.scalars(query.with_for_update()).one_or_none()


def add_entry(
    patient_id: int, doctor_id: int | None, priority: int, by: Person, appointment_id: int | None = None
) -> QueueEntry:
    """Put a patient in today's queue with the next token; `Conflict` when the patient is in it. To be called in an action."""
    current = queries.get_current_entry(patient_id)
    if current is not None:
        message = N_("This patient is already in the queue with token %(token)s.")
        raise Conflict(message, "patient", code="already_queued", token=current.token)
    now = clock.now()
    today = clock.local(now).date()
    entry = QueueEntry(
        service_date=today,
        patient_id=patient_id,
        doctor_id=doctor_id,
        appointment_id=appointment_id,
        priority=int(priority),
        added_by_id=by.id,
        arrived_at=now,
        token=gapless_numbers.next_number(f"token:{today.isoformat()}"),
    )
    db.session.add(entry)
    db.session.flush()
    publish(Event.QUEUE_CHANGED)
    return entry


def set_queue_status(entry: QueueEntry | PointEntry, status: QueueStatus | PointStatus) -> None:
    """Change the entry's status and times; the step cannot be undone unless it is recorded (`recorded_step`). Raises
    `RuleBroken` when `status` may not follow the present one, or when a patient whose record was withdrawn would be in the
    queue again."""
    rules.check_queue_status_change(entry.transitions, entry.status, status)
    if status in enums.IN_QUEUE_STATUSES and entry.status not in enums.IN_QUEUE_STATUSES:
        lock_patient(entry.patient_id, is_booked=True)
    now = clock.now()
    if status is QueueStatus.WAITING:
        entry.called_at = entry.called_by_id = entry.started_at = entry.ended_at = None
    elif status is QueueStatus.IN_SERVICE:
        entry.started_at, entry.ended_at = entry.started_at or now, None
    elif status is not QueueStatus.CALLED:
        entry.ended_at = now
    if status is QueueStatus.DONE:
        entry.started_at = entry.started_at or now
    if status is not QueueStatus.WAITING:
        steps.release(entry)
    set_status(entry, status)
    entry.last_step = None
    entry.increment_version()
    publish(Event.QUEUE_CHANGED)


def hold_entry(entry: QueueEntry | PointEntry, reason: str) -> None:
    """Let a patient keep the place without being called; raises `RuleBroken` without a reason."""
    cleaned = clean_reason(reason, longest=steps.MAX_REASON_LENGTH)
    steps.check_waits(entry)
    with steps.recorded_step(entry, "hold"):
        set_queue_status(entry, QueueStatus.WAITING)
        steps.hold(entry, cleaned)


def release_entry(entry: QueueEntry | PointEntry) -> None:
    """Let a patient on hold be called again, by the first arrival; nothing for one who is not on hold."""
    steps.check_waits(entry)
    if entry.held_at is not None:
        with steps.recorded_step(entry, "release"):
            steps.release(entry)


def skip_entry(entry: QueueEntry | PointEntry, *same_line: ColumnElement[bool]) -> None:
    """Put a patient who is not there behind the next one who waits in the line that the conditions describe."""
    steps.check_waits(entry)
    with steps.recorded_step(entry, "skip"):
        set_queue_status(entry, QueueStatus.WAITING)
        steps.step_back(entry, *same_line)


@action(Permission.CHECK_IN, "appointments.undo_check_in")
def undo_check_in(entry_id: int, *, by: Person) -> QueueEntry:
    """Remove a mistaken check-in; the booking is open again. Raises `Conflict` when the patient was called."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status == QueueStatus.CANCELLED:
        return entry
    if entry.status != QueueStatus.WAITING:
        raise Conflict(N_("This patient was already called. Check the queue."), code="already_called")
    set_queue_status(entry, QueueStatus.CANCELLED)
    if entry.appointment_id is not None:
        booking = get_for_update(Appointment, entry.appointment_id)
        set_status(booking, Status.SCHEDULED)
        booking.increment_version()
        publish(Event.APPOINTMENTS_CHANGED)
    return entry


def set_booking_status(entry: QueueEntry, status: Status) -> None:
    """Change the status of the entry's booking, if it has one. Raises `Conflict` when that was withdrawn."""
    if entry.appointment_id is None:
        return
    booking = get_for_update(Appointment, entry.appointment_id)
    if booking.withdrawn_at is not None:
        message = N_("The appointment of this patient was withdrawn. Check the patient in again, or restore it.")
        raise Conflict(message, code="withdrawn")
    if booking.status != status:
        booking_rules.check_status_change(booking.status, status)
        set_status(booking, status)
        booking.increment_version()
        publish(Event.APPOINTMENTS_CHANGED)


@action(Permission.EDIT_APPOINTMENT, "appointments.cancel")
def cancel_appointment(appointment_id: int, *, reason: str, by: Person) -> Appointment:
    """Cancel a booking; its time is free again. Raises `RuleBroken` without a reason."""
    if not reason:
        raise RuleBroken(N_("Choose the reason for cancelling."), "reason")
    return change_appointment_status(appointment_id, Status.CANCELLED.value, reason=reason, by=by)


@action(Permission.EDIT_APPOINTMENT, "appointments.set_status")
def change_appointment_status(
    appointment_id: int, status: str, *, reason: str = "", news: MessageKind | None = CANCELLED, by: Person
) -> Appointment:
    """Change a booking's status and its queue entry's; of a cancelled one the patient is told the `news`. Raises `RuleBroken`
    when `status` may not follow the present one."""
    booking, new = lock_appointment(appointment_id, by), enums.parse_status(status)
    booking_rules.check_status_change(booking.status, new)
    if new == booking.status:
        return booking
    if new is Status.RESCHEDULED:
        raise RuleBroken(N_("To move an appointment, enter the new date and time."), "status")
    booking_rules.check_status_day(new, booking.date, clock.today())
    if new is Status.CHECKED_IN:
        _check_in_booking(booking, enums.Priority.STANDARD, by)
        return booking
    if new in enums.OCCUPYING_STATUSES and booking.status not in enums.OCCUPYING_STATUSES:
        lock_patient(booking.patient_id, is_booked=True)
    old = booking.status
    with report_taken_slot(booking.doctor_id, booking.date, booking.time):
        set_status(booking, new)
        booking.status_reason = reason
        booking.increment_version()
    if Status.CANCELLED in (new, old):
        tell(news if new is Status.CANCELLED else BOOKED, booking)
    entry = _entry_of_booking(booking.id)
    if entry is not None and entry.status != QUEUE_STATUS_OF[new]:
        set_queue_status(entry, QUEUE_STATUS_OF[new])
    publish(Event.APPOINTMENTS_CHANGED)
    return booking


@action(Permission.WITHDRAW_APPOINTMENT, "appointments.withdraw")
def withdraw_appointment(appointment_id: int, *, by: Person) -> None:
    """Withdraw a booking from every list; the audit trail keeps it. Raises `Conflict` when the patient has come."""
    booking = get_for_update(Appointment, appointment_id)
    if booking.withdrawn_at is not None:
        raise NotFound(N_("This appointment does not exist."))
    if booking.status in (Status.CHECKED_IN, Status.IN_SERVICE, Status.COMPLETED):
        raise Conflict(N_("The patient came to this appointment. It stays on record."), code="has_records")
    booking.withdrawn_at, booking.status_before = clock.now(), booking.status
    if booking.status == Status.SCHEDULED:
        set_status(booking, Status.CANCELLED)
        tell(CANCELLED, booking)
    booking.increment_version()
    db.session.flush()
    publish(Event.APPOINTMENTS_CHANGED)


@action(Permission.WITHDRAW_APPOINTMENT, "appointments.restore")
def restore_appointment(appointment_id: int, *, by: Person) -> Appointment:
    """Undo the withdrawal of a booking: it has its earlier status again.

    Raises `SlotTaken` when doctor or patient is booked then, `RuleBroken` when the patient's record is no longer in use.
    """
    booking = get_for_update(Appointment, appointment_id)
    if booking.withdrawn_at is None:
        return booking
    lock_patient(booking.patient_id, is_booked=True)
    with report_taken_slot(booking.doctor_id, booking.date, booking.time):
        lock_doctor(booking.doctor_id)
        set_status(booking, booking.status_before or booking.status)
        booking.withdrawn_at, booking.status_before = None, ""
        booking.increment_version()
    if booking.status == Status.SCHEDULED:
        tell(BOOKED, booking)
    publish(Event.APPOINTMENTS_CHANGED)
    return booking


STALE_APPOINTMENT = N_("Someone else changed this appointment. Check it again, then save.")


@action(Permission.EDIT_APPOINTMENT, "appointments.edit")
def edit_appointment(
    appointment_id: int,
    *,
    version: int | None = None,
    patient_id: int | None = None,
    doctor_id: int | None = None,
    date: dt.date | None = None,
    time: dt.time | None = None,
    status: str | None = None,
    duration_minutes: int | None = None,
    visit_type_id: int | None = None,
    notes: str | None = None,
    by: Person,
) -> Appointment:
    """Change the values that differ; None leaves a value. Each change checks its own permission (nurses: only the status).
    With another visit type the length becomes that of the type, unless one is given.

    Raises `StaleVersion` when `version` is not the present one.
    """
    booking = lock_appointment(appointment_id, by)
    if version is not None and booking.version != version:
        raise StaleVersion(STALE_APPOINTMENT)
    if patient_id not in (None, booking.patient_id):
        raise RuleBroken(
            N_("You cannot change the patient of an appointment. Cancel it and book a new one."), "patient"
        )
    new_type = _get_new_visit_type(booking, visit_type_id, by)
    if new_type is not None:
        duration_minutes = duration_minutes or new_type.minutes
    when = (doctor_id or booking.doctor_id, date or booking.date, time or booking.time)
    is_moved = when != (booking.doctor_id, booking.date, booking.time)
    if is_moved or duration_minutes not in (None, booking.duration_minutes):
        move(appointment_id, doctor_id=when[0], date=when[1], time=when[2], duration_minutes=duration_minutes, by=by)
    if new_type is not None:
        _change_visit_type(booking, new_type)
    if notes not in (None, booking.notes):
        _change_notes(booking, notes, by)
    if status is not None:
        change_appointment_status(appointment_id, status, by=by)
    db.session.flush()
    return booking


def _get_new_visit_type(booking: Appointment, visit_type_id: int | None, by: Person) -> VisitType | None:
    """The other visit type that the booking should have, or None. A booking that may not move keeps its type."""
    if visit_type_id in (None, booking.visit_type_id):
        return None
    if not by.may(Permission.MOVE_APPOINTMENT):
        raise NotAllowed(N_("Your role may change only the status, not: visit type."))
    booking_rules.check_status_change(booking.status, Status.RESCHEDULED)
    return get_open_visit_type(visit_type_id)


def _change_visit_type(booking: Appointment, visit_type: VisitType) -> None:
    """Set the type after a move, whose row of the old time keeps the old type."""
    booking.visit_type_id = visit_type.id
    booking.increment_version()
    publish(Event.APPOINTMENTS_CHANGED)


def _change_notes(booking: Appointment, notes: str, by: Person) -> None:
    if not by.may(Permission.MOVE_APPOINTMENT):
        raise NotAllowed(N_("Your role may change only the status, not: notes."))
    booking.notes = notes
    booking.increment_version()
