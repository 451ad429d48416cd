"""Calling patients from the queue, and what becomes of them there."""

from __future__ import annotations

from sqlalchemy import or_, select

from hms.appointments import enums
from hms.appointments.availability.queries import lock_doctor
from hms.appointments.enums import QueueStatus, Status
from hms.appointments.models import QueueEntry
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.staff import directory as staff

from .transitions import set_booking_status, set_queue_status


def _is_doctor(by: Person) -> bool:
    return by.may(Permission.WRITE_ENCOUNTER) and by.id is not None


@action(Permission.CALL_PATIENT, "appointments.call_next")
def call_next(*, by: Person) -> QueueEntry | None:
    """Call whose turn it is today by priority, then arrival; None when nobody waits.

    A doctor calls their own patients and those who wait for any doctor. Two who call at once get two patients.
    """
    query = select(QueueEntry).where(
        QueueEntry.service_date == clock.today(), QueueEntry.status == QueueStatus.WAITING.value
    )
    if _is_doctor(by):
        query = query.where(or_(QueueEntry.doctor_id == by.id, QueueEntry.doctor_id.is_(None)))
    query = query.order_by(QueueEntry.priority, QueueEntry.arrived_at, QueueEntry.token).limit(1)
    entry = db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if entry is not None:
        _mark_as_called(entry, by)
    return entry


def _mark_as_called(entry: QueueEntry, by: Person) -> None:
    set_queue_status(entry, QueueStatus.CALLED)
    entry.called_at, entry.called_by_id = clock.now(), by.id
    _assign_to_caller(entry, by)
    db.session.flush()


def _assign_to_caller(entry: QueueEntry, by: Person) -> None:
    """A patient who waits for any doctor is from now on the patient of the doctor who sees them."""
    if entry.doctor_id is None and _is_doctor(by):
        entry.doctor_id = by.id


@action(Permission.CALL_PATIENT, "appointments.call")
def call_patient(entry_id: int, *, by: Person) -> QueueEntry:
    """Call one patient, or call again. `Conflict` says who was faster."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status == QueueStatus.CALLED and entry.called_by_id not in (None, by.id):
        who = staff.display_names({entry.called_by_id})[entry.called_by_id]
        at = f"{clock.local(entry.called_at):%H:%M}"
        raise Conflict(N_("%(name)s called this patient at %(time)s."), code="already_called", name=who, time=at)
    _mark_as_called(entry, by)
    return entry


@action(Permission.CALL_PATIENT, "appointments.undo_call")
def undo_call(entry_id: int, *, by: Person) -> QueueEntry:
    """The patient waits again, in their old place."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status not in (QueueStatus.CALLED, QueueStatus.WAITING):
        raise Conflict(N_("The patient is already with staff."), code="in_service")
    set_queue_status(entry, QueueStatus.WAITING)
    db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.start_service")
def start_service(entry_id: int, *, by: Person) -> QueueEntry:
    """The patient is in the room. Done again, it changes nothing."""
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
    """The patient has been seen. Done again, it changes nothing."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status != QueueStatus.DONE:
        if entry.status in (QueueStatus.WAITING, QueueStatus.CALLED):
            set_queue_status(entry, QueueStatus.IN_SERVICE)
        set_queue_status(entry, QueueStatus.DONE)
        set_booking_status(entry, Status.COMPLETED)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.leave")
def mark_as_left(entry_id: int, *, by: Person) -> QueueEntry:
    """The patient did not answer or went away; a booking counts as one that nobody came to."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status != QueueStatus.LEFT:
        was_seen = entry.status == QueueStatus.IN_SERVICE
        set_queue_status(entry, QueueStatus.LEFT)
        set_booking_status(entry, Status.COMPLETED if was_seen else Status.NO_SHOW)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.come_back")
def return_to_queue(entry_id: int, *, by: Person) -> QueueEntry:
    """Somebody who had left waits again with the same token."""
    entry = get_for_update(QueueEntry, entry_id)
    if entry.status == QueueStatus.LEFT:
        set_queue_status(entry, QueueStatus.WAITING)
        set_booking_status(entry, Status.CHECKED_IN)
        db.session.flush()
    return entry


@action(Permission.CALL_PATIENT, "appointments.set_priority")
def set_priority(entry_id: int, priority: int | str, *, by: Person) -> QueueEntry:
    """1 emergency, 2 urgent, 3 standard, 4 low; also by word."""
    urgency = enums.parse_priority(priority)
    entry = get_for_update(QueueEntry, entry_id)
    _check_in_queue(entry)
    entry.priority = int(urgency)
    return _save_and_publish(entry)


@action(Permission.CALL_PATIENT, "appointments.send_to")
def send_to_doctor(entry_id: int, doctor_id: int | None, *, by: Person) -> QueueEntry:
    """The patient waits for another doctor, or for any when None."""
    entry = get_for_update(QueueEntry, entry_id)
    _check_in_queue(entry)
    if doctor_id is not None:
        lock_doctor(doctor_id)
    entry.doctor_id = doctor_id
    if entry.status == QueueStatus.CALLED:
        set_queue_status(entry, QueueStatus.WAITING)
    return _save_and_publish(entry)


def _check_in_queue(entry: QueueEntry) -> None:
    if entry.status not in enums.IN_QUEUE_STATUSES:
        raise Conflict(N_("This patient is no longer in the queue."), code="not_queued")


def _save_and_publish(entry: QueueEntry) -> QueueEntry:
    entry.increment_version()
    db.session.flush()
    publish(Event.QUEUE_CHANGED)
    return entry
