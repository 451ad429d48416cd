"""Call patients from the queue and change their queue entries."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Date, DateTime, String, cast, column, exists, func, or_, select, table

from hms.appointments import enums
from hms.appointments.availability.queries import lock_doctor
from hms.appointments.enums import QueueStatus, Status
from hms.appointments.models import CALLING_ORDER, Appointment, QueueEntry
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.death.actions import death_listeners
from hms.patients.merging.actions import merge_guards
from hms.patients.records.actions import withdrawal_guards

from . import steps
from .deaths import end_queue_and_bookings
from .transitions import hold_entry, release_entry, set_booking_status, set_queue_status, skip_entry


def _is_doctor(by: Person) -> bool:
    return by.may(Permission.WRITE_ENCOUNTER) and by.id is not None


@action(Permission.CALL_PATIENT, "appointments.call_next")
def call_next(*, doctor_id: int | None = None, by: Person) -> QueueEntry | None:
    """Call the next patient of today by priority, then arrival; None when nobody waits.

    With `doctor_id` only that doctor's patients and those who wait for any doctor; a doctor always calls for themselves.
    Simultaneous calls get different patients.
    """
    doctor_id = by.id if _is_doctor(by) else doctor_id
    query = select(QueueEntry).where(
        QueueEntry.service_date == clock.today(),
        QueueEntry.status == QueueStatus.WAITING.value,
        QueueEntry.held_at.is_(None),
    )
    if doctor_id is not None:
        query = query.where(or_(QueueEntry.doctor_id == doctor_id, QueueEntry.doctor_id.is_(None)))
    query = query.order_by(*CALLING_ORDER).limit(1)
    entry = db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if entry is not None:
        _mark_as_called(entry, by)
    return entry


def _mark_as_called(entry: QueueEntry, by: Person) -> None:
    with steps.recorded_step(entry, "call"):
        set_queue_status(entry, QueueStatus.CALLED)
        entry.called_at, entry.called_by_id = clock.now(), by.id
        steps.release(entry)
        _assign_to_caller(entry, by)


def _assign_to_caller(entry: QueueEntry, by: Person) -> None:
    """Assign a patient who waits for any doctor to the calling doctor."""
    if entry.doctor_id is None and _is_doctor(by):
        entry.doctor_id = by.id


@action(Permission.CALL_PATIENT, "appointments.call")
def call_patient(entry_id: int, *, by: Person) -> QueueEntry:
    """Call one patient, or call again. Raises `Conflict` (code "already_called") when a colleague called before."""
    entry = get_for_update(QueueEntry, entry_id)
    steps.check_caller(entry, by)
    _mark_as_called(entry, by)
    return entry


@action(Permission.CALL_PATIENT, "appointments.undo_call")
def undo_call(entry_id: int, *, by: Person) -> QueueEntry:
    """Put a called patient back to waiting, in the old place; raises `Conflict` when already with staff."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status not in (QueueStatus.CALLED, QueueStatus.WAITING):
        raise Conflict(N_("The patient is already with staff."), code="in_service")
    set_queue_status(entry, QueueStatus.WAITING)
    db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.start_service")
def start_service(entry_id: int, *, by: Person) -> QueueEntry:
    """Mark the patient as with staff; a repeated call changes nothing."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status != QueueStatus.IN_SERVICE:
        set_queue_status(entry, QueueStatus.IN_SERVICE)
        if entry.called_at is None:
            entry.called_at, entry.called_by_id = clock.now(), by.id
        _assign_to_caller(entry, by)
        set_booking_status(entry, Status.IN_SERVICE)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.finish_service")
def finish_service(entry_id: int, *, by: Person) -> QueueEntry:
    """Mark the patient as seen; a repeated call changes nothing."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status != QueueStatus.DONE:
        set_queue_status(entry, QueueStatus.DONE)
        set_booking_status(entry, Status.COMPLETED)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.leave")
def mark_as_left(entry_id: int, *, by: Person) -> QueueEntry:
    """Mark the patient as left; the booking becomes a no-show, or completed when the patient was with staff before."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status != QueueStatus.LEFT:
        was_seen = entry.status == QueueStatus.IN_SERVICE
        with steps.recorded_step(entry, "leave"):
            set_queue_status(entry, QueueStatus.LEFT)
            set_booking_status(entry, Status.COMPLETED if was_seen else Status.NO_SHOW)
    return entry


@action(Permission.CALL_PATIENT, "appointments.come_back")
def return_to_queue(entry_id: int, *, by: Person) -> QueueEntry:
    """Put a patient who left back to waiting, with the same token."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status == QueueStatus.LEFT:
        set_queue_status(entry, QueueStatus.WAITING)
        set_booking_status(entry, Status.CHECKED_IN)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.set_priority")
def set_priority(entry_id: int, priority: int | str, *, by: Person) -> QueueEntry:
    """Set the priority: 1 emergency, 2 urgent, 3 standard, 4 low, or the word."""
    new_priority = enums.parse_priority(priority)
    entry = get_for_update(QueueEntry, entry_id)
    check_in_queue(entry)
    with steps.recorded_step(entry, "priority"):
        entry.priority = int(new_priority)
        steps.forget_place(entry)
    return entry


@action(Permission.CALL_PATIENT, "appointments.send_to")
def send_to_doctor(entry_id: int, doctor_id: int | None, *, by: Person) -> QueueEntry:
    """Let the patient wait for another doctor, or for any when None."""
    entry = get_for_update(QueueEntry, entry_id)
    check_in_queue(entry)
    if doctor_id is not None:
        lock_doctor(doctor_id)
    with steps.recorded_step(entry, "send"):
        entry.doctor_id = doctor_id
        if entry.status == QueueStatus.CALLED:
            set_queue_status(entry, QueueStatus.WAITING)
    return entry


@action(Permission.CALL_PATIENT, "appointments.hold")
def hold_patient(entry_id: int, reason: str, *, by: Person) -> QueueEntry:
    """Let a patient keep the place without being called, until `release_patient`; raises `RuleBroken` without a reason."""
    entry = get_for_update(QueueEntry, entry_id)
    hold_entry(entry, reason)
    return entry


@action(Permission.CALL_PATIENT, "appointments.release")
def release_patient(entry_id: int, *, by: Person) -> QueueEntry:
    """Let a patient on hold be called again, by the first arrival; a repeated call changes nothing."""
    entry = get_for_update(QueueEntry, entry_id)
    release_entry(entry)
    return entry


@action(Permission.CALL_PATIENT, "appointments.skip")
def skip_patient(entry_id: int, *, by: Person) -> QueueEntry:
    """Put a patient who is not there behind the next one who waits for the same doctor, or for any."""
    entry = get_for_update(QueueEntry, entry_id)
    others = QueueEntry.doctor_id.is_(None)
    if entry.doctor_id is not None:
        others = or_(others, QueueEntry.doctor_id == entry.doctor_id)
    skip_entry(entry, others)
    return entry


def check_in_queue(entry: QueueEntry) -> None:
    """Raise `Conflict` unless the patient waits, was called, or is with staff."""
    if entry.status not in enums.IN_QUEUE_STATUSES:
        raise Conflict(N_("This patient is no longer in the queue."), code="not_queued")


MISSED_REASON = N_("Not checked in by the end of the day")
MISSED_AT_ONCE = 200
# This desk may not import the one above it that keeps encounters, so the needed columns of its table are declared here.
_VISIT = table(
    "encounter",
    *(column(name, BigInteger) for name in ("patient_id", "appointment_id")),
    column("status", String),
    column("started_at", DateTime(timezone=True)),
).c


@action(Permission.EDIT_APPOINTMENT, "appointments.auto_no_show")
def mark_as_missed(*, since: dt.date, until: dt.datetime, by: Person) -> int:
    """Mark bookings from the day `since` on that ended before `until` (both hospital time) as no-shows, and return how many.

    At most `MISSED_AT_ONCE`, and none twice: who restores one has the last word. Bookings that somebody changes at the moment
    are left for the next time, and so are those of patients who were in the queue that day, or were seen.
    """
    ends = Appointment.date + Appointment.time + Appointment.duration_minutes * func.make_interval(0, 0, 0, 0, 0, 1)
    came = exists().where(
        QueueEntry.patient_id == Appointment.patient_id,
        QueueEntry.service_date == Appointment.date,
        QueueEntry.status != QueueStatus.CANCELLED.value,
    )
    day_seen = cast(func.timezone(clock.zone().key, _VISIT.started_at), Date)
    was_seen = exists().where(
        _VISIT.patient_id == Appointment.patient_id,
        _VISIT.status != "entered_in_error",
        or_(_VISIT.appointment_id == Appointment.id, day_seen == Appointment.date),
    )
    query = select(Appointment).where(
        Appointment.date.between(since, until.date()),
        ends <= until,
        Appointment.status == Status.SCHEDULED.value,
        Appointment.withdrawn_at.is_(None),
        Appointment.missed_at.is_(None),
        ~came,
        ~was_seen,
    )
    query = query.order_by(Appointment.id).limit(MISSED_AT_ONCE).with_for_update(skip_locked=True, of=Appointment)
    bookings = db.session.scalars(query).all()
    for booking in bookings:
        set_status(booking, Status.NO_SHOW)
        booking.status_reason, booking.missed_at = MISSED_REASON, clock.now()
        booking.increment_version()
    if bookings:
        db.session.flush()
        publish(Event.APPOINTMENTS_CHANGED)
    return len(bookings)


def _check_not_in_queue(patient_id: int) -> None:
    present = select(QueueEntry.token).filter_by(patient_id=patient_id, service_date=clock.today())
    token = db.session.scalars(present.where(QueueEntry.status.in_(enums.IN_QUEUE_STATUSES))).first()
    if token is not None:
        message = N_("This patient is in the queue with number %(token)s. Take the patient out of the queue first.")
        raise Conflict(message, code="in_queue", token=token)


def _check_no_open_booking(patient_id: int) -> None:
    open_bookings = select(Appointment.date).filter_by(
        patient_id=patient_id, status=Status.SCHEDULED.value, withdrawn_at=None
    )
    day = db.session.scalars(open_bookings.where(Appointment.date >= clock.today()).order_by(Appointment.date)).first()
    if day is not None:
        message = N_("This patient has an appointment on %(day)s. Cancel it first.")
        raise Conflict(message, code="booked", day=f"{day:%d-%b-%Y}")


withdrawal_guards.extend((_check_not_in_queue, _check_no_open_booking))
merge_guards.append(_check_not_in_queue)
death_listeners.append(end_queue_and_bookings)
