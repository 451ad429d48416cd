"""The lines of service points: put patients in, call them, send them on, and undo the last step.

A visit (`QueueEntry`) is locked before the places at points that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from hms.appointments import enums
from hms.appointments.availability.queries import lock_doctor
from hms.appointments.bookings.actions import lock_patient
from hms.appointments.enums import PointStatus, QueueStatus, Status
from hms.appointments.models import PointEntry, QueueEntry, ServicePoint, calling_order
from hms.appointments.points.queries import lock_open_point
from hms.appointments.queue import steps, transitions
from hms.appointments.queue.actions import check_in_queue
from hms.appointments.queue.transitions import set_queue_status
from hms.core import clock, gapless_numbers
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, RuleBroken
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.merging.actions import merge_guards
from hms.patients.records.actions import withdrawal_guards


@action(Permission.SERVE_POINT, "appointments.add_to_point")
def add_to_point(patient_id: int, point_id: int, *, priority: int | str = 3, by: Person) -> PointEntry:
    """Put a patient in the line of a service point with the next token; raises `Conflict` when the patient is in it."""
    parsed_priority = enums.parse_priority(priority)
    lock_patient(patient_id)
    return _add_entry(lock_open_point(point_id), by, patient_id=patient_id, priority=int(parsed_priority))


@action(Permission.CALL_PATIENT, "appointments.send_on")
def send_on(entry_id: int, point_id: int, *, by: Person) -> PointEntry:
    """Send a patient of a doctor's line to a service point. Who waits keeps the place, on hold until this point, and any other
    that the patient was sent to, has finished; who is with the doctor stays so."""
    entry = get_for_update(QueueEntry, entry_id)
    check_in_queue(entry)
    lock_patient(entry.patient_id, is_booked=True)
    point = lock_open_point(point_id)
    waits = entry.status in steps.CALLABLE
    if waits:
        with steps.recorded_step(entry, "send_on"):
            set_queue_status(entry, QueueStatus.WAITING)
            steps.hold(entry, point.name)
        for other in _open_places(entry):
            other.holds_place = False
    visit = {"patient_id": entry.patient_id, "priority": entry.priority, "queue_entry_id": entry.id}
    return _add_entry(point, by, **visit, holds_place=waits)


def _add_entry(point: ServicePoint, by: Person, *, patient_id: int, **more: Any) -> PointEntry:
    present = select(PointEntry).where(
        PointEntry.patient_id == patient_id,
        PointEntry.point_id == point.id,
        PointEntry.service_date == clock.today(),
        PointEntry.status.in_(enums.IN_QUEUE_STATUSES),
    )
    if (there := db.session.scalars(present).one_or_none()) is not None:
        message = N_("This patient is already at %(point)s with token %(token)s.")
        token = f"{there.prefix}{there.token}"
        raise Conflict(message, "patient", code="already_queued", point=point.name, token=token)
    now = clock.now()
    today = clock.local(now).date()
    entry = PointEntry(
        service_date=today,
        point_id=point.id,
        prefix=point.prefix,
        patient_id=patient_id,
        added_by_id=by.id,
        arrived_at=now,
        last_step={"name": "arrive", "before": {}},
        token=gapless_numbers.next_number(f"token:{today.isoformat()}:{point.prefix}"),
        **more,
    )
    db.session.add(entry)
    db.session.flush()
    publish(Event.QUEUE_CHANGED)
    return entry


def _lock(point_entry_id: int) -> tuple[PointEntry, QueueEntry | None]:
    """The place at a point and the visit that it belongs to, both locked."""
    visit_id = get_or_not_found(PointEntry, point_entry_id).queue_entry_id
    visit = get_for_update(QueueEntry, visit_id) if visit_id is not None else None
    return get_for_update(PointEntry, point_entry_id), visit


@action(Permission.SERVE_POINT, "appointments.point_call_next")
def call_next_to_point(point_id: int, *, by: Person) -> PointEntry | None:
    """Call the next patient of a service point by priority, then arrival; None when nobody waits. Simultaneous calls get
    different patients."""
    get_or_not_found(ServicePoint, point_id)
    query = select(PointEntry).where(
        PointEntry.point_id == point_id,
        PointEntry.service_date == clock.today(),
        PointEntry.status == QueueStatus.WAITING.value,
        PointEntry.held_at.is_(None),
    )
    query = query.order_by(*calling_order(PointEntry)).limit(1)
    entry = db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    return None if entry is None else _mark_as_called(entry, by)


def _mark_as_called(entry: PointEntry, by: Person) -> PointEntry:
    with steps.recorded_step(entry, "call"):
        set_queue_status(entry, QueueStatus.CALLED)
        entry.called_at, entry.called_by_id, entry.call_count = clock.now(), by.id, entry.call_count + 1
        steps.release(entry)
    return entry


@action(Permission.SERVE_POINT, "appointments.point_call")
def call_to_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Call one patient, or call again. Raises `Conflict` (code "already_called") when a colleague called before."""
    entry = get_for_update(PointEntry, point_entry_id)
    steps.check_caller(entry, by)
    return _mark_as_called(entry, by)


@action(Permission.SERVE_POINT, "appointments.point_start")
def start_at_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Mark the patient as with staff; a repeated call changes nothing."""
    entry = get_for_update(PointEntry, point_entry_id)
    if entry.status != QueueStatus.IN_SERVICE:
        with steps.recorded_step(entry, "start"):
            set_queue_status(entry, QueueStatus.IN_SERVICE)
            if entry.called_at is None:
                entry.called_at, entry.called_by_id = clock.now(), by.id
    return entry


@action(Permission.SERVE_POINT, "appointments.point_finish")
def finish_at_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Mark the patient as done here: the place in the doctor's line counts again. A repeated call changes nothing."""
    return _end(point_entry_id, "finish", QueueStatus.DONE)


@action(Permission.SERVE_POINT, "appointments.point_leave")
def leave_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Mark the patient as gone without being served here; the place in the doctor's line counts again."""
    return _end(point_entry_id, "leave", QueueStatus.LEFT)


@action(Permission.SERVE_POINT, "appointments.point_absent")
def mark_as_absent(point_entry_id: int, *, by: Person) -> PointEntry:
    """Mark a patient who was called, perhaps several times, as not there: nobody knows whether the patient left. The place in
    the doctor's line counts again. Raises `RuleBroken` for one who is not called now."""
    return _end(point_entry_id, "absent", PointStatus.ABSENT)


@action(Permission.SERVE_POINT, "appointments.point_come_back")
def return_to_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Let a patient who was absent, or who left, wait here again with the same token, by the first arrival. A patient who waits
    for a doctor too keeps that place until this is done. Nothing for one who is in the line."""
    entry, visit = _lock(point_entry_id)
    if entry.status not in (PointStatus.ABSENT, PointStatus.LEFT):
        return entry
    with steps.recorded_step(entry, "come_back"):
        set_queue_status(entry, QueueStatus.WAITING)
        entry.call_count = 0
    _take_place(entry, visit)
    return entry


def _end(point_entry_id: int, name: str, status: QueueStatus | PointStatus) -> PointEntry:
    entry, visit = _lock(point_entry_id)
    if entry.status != status:
        with steps.recorded_step(entry, name):
            set_queue_status(entry, status)
        _give_place_back(entry, visit)
    return entry


def _give_place_back(entry: PointEntry, visit: QueueEntry | None) -> None:
    """Let the place in the doctor's line count again; while the patient is at another service point, that one holds it."""
    if visit is None or visit.status != QueueStatus.WAITING or visit.held_at is None:
        return
    if entry.holds_place:
        steps.release(visit)
        if others := _open_places(visit, but=entry):
            entry.holds_place = False
            _hold_place(others[0], visit)
    visit.last_step = None
    steps.save(visit)


def _hold_place(place: PointEntry, visit: QueueEntry) -> None:
    place.holds_place = True
    steps.hold(visit, get_or_not_found(ServicePoint, place.point_id).name)


def _open_places(visit: QueueEntry, but: PointEntry | None = None) -> Sequence[PointEntry]:
    """The places at points where the patient of a visit is now, the newest first, locked; without `but`."""
    query = select(PointEntry).where(
        PointEntry.queue_entry_id == visit.id, PointEntry.status.in_(enums.IN_QUEUE_STATUSES)
    )
    if but is not None:
        query = query.where(PointEntry.id != but.id)
    return db.session.scalars(query.order_by(PointEntry.id.desc()).with_for_update()).all()


@action(Permission.SERVE_POINT, "appointments.point_hold")
def hold_at_point(point_entry_id: int, reason: str, *, by: Person) -> PointEntry:
    """Let a patient keep the place without being called; raises `RuleBroken` without a reason."""
    entry = get_for_update(PointEntry, point_entry_id)
    transitions.hold_entry(entry, reason)
    return entry


@action(Permission.SERVE_POINT, "appointments.point_release")
def release_at_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Let a patient on hold be called again, by the first arrival; a repeated call changes nothing."""
    entry = get_for_update(PointEntry, point_entry_id)
    transitions.release_entry(entry)
    return entry


@action(Permission.SERVE_POINT, "appointments.point_skip")
def skip_at_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Put a patient who is not there behind the next one who waits at this point."""
    entry = get_for_update(PointEntry, point_entry_id)
    transitions.skip_entry(entry, PointEntry.point_id == entry.point_id)
    return entry


@action(Permission.SERVE_POINT, "appointments.point_send_on")
def send_on_from_point(
    point_entry_id: int, *, point_id: int | None = None, doctor_id: int | None = None, by: Person
) -> PointEntry | QueueEntry:
    """Send a patient on to another service point, or to a doctor; this point is done. Returns the place in the next line.

    With a doctor, the patient's place in the queue of today counts again; without one the patient comes to its end.
    """
    if (point_id is None) == (doctor_id is None):
        raise RuleBroken(N_("Choose where to send the patient."), "point")
    entry, visit = _lock(point_entry_id)
    check_in_queue(entry)
    lock_patient(entry.patient_id, is_booked=True)
    if point_id == entry.point_id:
        raise RuleBroken(N_("The patient is at this service point. Choose another one."), "point")
    with steps.recorded_step(entry, "send_on"):
        set_queue_status(entry, QueueStatus.DONE)
    if point_id is None:
        return _send_to_doctor(entry, visit, lock_doctor(doctor_id), by)
    values = {"priority": entry.priority, "queue_entry_id": entry.queue_entry_id, "sent_from_id": entry.id}
    point = lock_open_point(point_id)
    return _add_entry(point, by, patient_id=entry.patient_id, holds_place=entry.holds_place, **values)


def _send_to_doctor(entry: PointEntry, visit: QueueEntry | None, doctor_id: int, by: Person) -> QueueEntry:
    """Let the visit, or one that begins now, wait for this doctor. To have sent somebody to a doctor cannot be undone here."""
    entry.last_step = None
    if visit is None or visit.status not in enums.IN_QUEUE_STATUSES:
        return transitions.add_entry(entry.patient_id, doctor_id, entry.priority, by)
    if visit.status in steps.CALLABLE:
        with steps.recorded_step(visit, "send"):
            visit.doctor_id = doctor_id
            set_queue_status(visit, QueueStatus.WAITING)
            steps.release(visit)
    elif visit.doctor_id != doctor_id:
        raise Conflict(N_("The patient is with another doctor. Send the patient on from there."), code="in_service")
    return visit


@action(Permission.CALL_PATIENT, "appointments.undo_step")
def undo_step(entry_id: int, *, by: Person) -> QueueEntry:
    """Undo the last step in a doctor's line. Raises `Conflict` when there is none, or when what followed stands in the way."""
    entry = get_for_update(QueueEntry, entry_id)
    name, before = steps.get_last_step(entry)
    if name == "send_on":
        _take_back(next((place.id for place in _open_places(entry) if place.holds_place), None))
    _restore(entry, before)
    if name == "send_on" and entry.held_at is not None and (others := _open_places(entry)):
        others[0].holds_place = True
        db.session.flush()
    if name == "leave":
        transitions.set_booking_status(entry, Status.CHECKED_IN)
    return entry


def _restore(entry: Any, before: Mapping[str, Any]) -> None:
    set_queue_status(entry, steps.get_status_to_restore(entry, before))
    steps.restore_values(entry, before)


def _take_back(point_entry_id: int | None) -> None:
    """Cancel a place at a point, if the patient was not called there yet."""
    entry = None if point_entry_id is None else get_for_update(PointEntry, point_entry_id)
    if entry is None or entry.status != QueueStatus.WAITING:
        message = N_("The service point that the patient was sent to has called the patient already. Ask there.")
        raise Conflict(message, code="already_called")
    set_queue_status(entry, QueueStatus.CANCELLED)
    db.session.flush()


@action(Permission.SERVE_POINT, "appointments.point_undo")
def undo_step_at_point(point_entry_id: int, *, by: Person) -> PointEntry:
    """Undo the last step at a service point. To undo an arrival takes the patient out of this line and back to the one
    before. Raises `Conflict` as `undo_step` does."""
    entry, visit = _lock(point_entry_id)
    name, before = steps.get_last_step(entry)
    if name == "arrive":
        _take_back(entry.id)
        _undo_sending(entry, visit)
        return entry
    if name == "send_on":
        following = select(PointEntry.id).where(PointEntry.sent_from_id == entry.id)
        _take_back(db.session.scalars(following.where(PointEntry.status != QueueStatus.CANCELLED)).one_or_none())
    _restore(entry, before)
    if name in ("finish", "leave", "absent"):
        _take_place(entry, visit)
    return entry


def _take_place(entry: PointEntry, visit: QueueEntry | None) -> None:
    """Let this place at a point hold the place in the doctor's line again, as it did before it ended."""
    if entry.holds_place and visit is not None and visit.status == QueueStatus.WAITING:
        for other in _open_places(visit, but=entry):
            other.holds_place = False
        _hold_place(entry, visit)
        steps.save(visit)


def _undo_sending(entry: PointEntry, visit: QueueEntry | None) -> None:
    """Put who was sent here back where the patient came from, if nothing else was done there since."""
    origin = get_for_update(PointEntry, entry.sent_from_id) if entry.sent_from_id is not None else None
    is_only = entry.holds_place and visit is not None and not _open_places(visit)
    sender = origin if origin is not None else visit if is_only else None
    if sender is not None and sender.last_step is not None and sender.last_step["name"] == "send_on":
        _restore(sender, sender.last_step["before"])
    elif origin is None:
        _give_place_back(entry, visit)


def _check_not_at_point(patient_id: int) -> None:
    present = select(ServicePoint.name).join(PointEntry, PointEntry.point_id == ServicePoint.id)
    present = present.where(PointEntry.patient_id == patient_id, PointEntry.service_date == clock.today())
    name = db.session.scalars(present.where(PointEntry.status.in_(enums.IN_QUEUE_STATUSES))).first()
    if name is not None:
        message = N_("This patient is in the line of %(point)s. Take the patient out of it first.")
        raise Conflict(message, code="in_queue", point=name)


withdrawal_guards.append(_check_not_at_point)
merge_guards.append(_check_not_at_point)
