"""Reads of the lines of service points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Row, Select, bindparam, func, null, or_, select, tuple_
from sqlalchemy.orm import aliased

from hms.appointments.enums import PointStatus, QueueStatus
from hms.appointments.models import PointEntry, QueueEntry, ServicePoint, calling_order
from hms.appointments.queue import rules
from hms.appointments.queue.queries import GROUPS, MAX_CALLS_SHOWN, MAX_NEXT_SHOWN
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.patients.identity.columns import IDENTITY, Identified
from hms.patients.models import Patient
from hms.staff.directory import display_name_column
from hms.staff.models import User

ALL_ROWS = 1_000
POINT_GROUPS = GROUPS | {"absent": (PointStatus.ABSENT.value,)}


class PointCounts(NamedTuple):
    """The number of patients of each group at a service point."""

    waiting: int
    with_staff: int
    done: int
    absent: int


@dataclass(slots=True)
class PlaceAtPoint(Identified):
    """One row of the line of a service point. `origin` is the point or the doctor that the patient was sent from."""

    id: int
    point_id: int
    point_name: str
    prefix: str
    number: int
    patient_id: int
    queue_entry_id: int | None
    sent_from_id: int | None
    priority: int
    status: str
    arrived_at: datetime
    called_at: datetime | None
    call_count: int
    started_at: datetime | None
    ended_at: datetime | None
    held_at: datetime | None
    hold_reason: str
    line_priority: int
    line_at: datetime
    can_undo: bool
    origin: str | None
    same_name_count: int = 0
    is_long_wait: bool = False

    @property
    def token(self) -> str:
        return f"{self.prefix}{self.number}"

    @property
    def is_waiting(self) -> bool:
        return self.status == QueueStatus.WAITING

    @property
    def is_called(self) -> bool:
        return self.status == QueueStatus.CALLED


def _places() -> Select:
    before, point_before, urgency_and_time = aliased(PointEntry), aliased(ServicePoint), calling_order(PointEntry)
    origin = func.coalesce(point_before.name, display_name_column()).label("origin")
    return (
        select(
            *IDENTITY,
            PointEntry.id,
            PointEntry.point_id,
            ServicePoint.name.label("point_name"),
            PointEntry.prefix,
            PointEntry.token.label("number"),
            PointEntry.patient_id,
            PointEntry.queue_entry_id,
            PointEntry.sent_from_id,
            PointEntry.priority,
            PointEntry.status,
            PointEntry.arrived_at,
            PointEntry.called_at,
            PointEntry.call_count,
            PointEntry.started_at,
            PointEntry.ended_at,
            PointEntry.held_at,
            PointEntry.hold_reason,
            urgency_and_time[0].label("line_priority"),
            urgency_and_time[1].label("line_at"),
            PointEntry.last_step.is_not(None).label("can_undo"),
            origin,
        )
        .join(Patient, Patient.id == PointEntry.patient_id)
        .join(ServicePoint, ServicePoint.id == PointEntry.point_id)
        .outerjoin(before, before.id == PointEntry.sent_from_id)
        .outerjoin(point_before, point_before.id == before.point_id)
        .outerjoin(QueueEntry, QueueEntry.id == PointEntry.queue_entry_id)
        .outerjoin(User, User.id == QueueEntry.doctor_id)
    )


def list_places(
    point_id: int | None = None, day: date | None = None, *, show: str = "waiting", limit: int = ALL_ROWS
) -> list[PlaceAtPoint]:
    """The line of a service point, or of all, on `day` (default today) in calling order, those on hold last; "done" and
    "absent" latest first. `show` is "waiting" (called ones included), "with_staff", "done", or "absent" (called, did not
    come)."""
    values = {"day": day or clock.today(), "point_id": point_id, "limit": limit}
    rows = db.session.execute(_board(show=show, of_point=point_id is not None), values)
    places, now, limit_minutes = [PlaceAtPoint(*row) for row in rows], clock.now(), _long_wait()
    for place in places:
        place.is_long_wait = place.is_waiting and rules.is_long_wait(place.arrived_at, now, limit_minutes)
    return places


def _long_wait() -> int:
    return settings.value("queue.long_wait_minutes")


@cache
def _board(*, show: str, of_point: bool) -> Select:
    day, point_id, limit = bindparam("day"), bindparam("point_id"), bindparam("limit")
    same_name = (func.count().over(partition_by=Patient.sort_name) - 1).label("same_name_count")
    query = _places().add_columns(same_name)
    query = query.where(PointEntry.service_date == day, PointEntry.status.in_(POINT_GROUPS[show])).limit(limit)
    if of_point:
        query = query.where(PointEntry.point_id == point_id)
    if show in ("done", "absent"):
        return query.order_by(PointEntry.ended_at.desc(), PointEntry.id.desc())
    return query.order_by(PointEntry.held_at.is_not(None), *calling_order(PointEntry), PointEntry.id)


def get_place(point_entry_id: int) -> PlaceAtPoint:
    """One place in the line of a service point; raises `NotFound`."""
    row = db.session.execute(_places().where(PointEntry.id == point_entry_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This queue entry does not exist."))
    return PlaceAtPoint(*row)


def count_places(point_id: int) -> PointCounts:
    """Count the entries of each group of a service point today."""
    filters = [func.count().filter(PointEntry.status.in_(POINT_GROUPS[group])) for group in PointCounts._fields]
    query = select(*filters).where(PointEntry.service_date == clock.today(), PointEntry.point_id == point_id)
    return PointCounts(*db.session.execute(query).one())


def count_ahead(place: PlaceAtPoint) -> int:
    """Count the patients who are called before this one; before one on hold everybody who waits is called."""
    if not place.is_waiting:
        return 0
    query = select(func.count()).where(
        PointEntry.point_id == place.point_id,
        PointEntry.service_date == clock.today(),
        PointEntry.status == QueueStatus.WAITING.value,
        PointEntry.held_at.is_(None),
    )
    if place.held_at is None:
        before = (place.line_priority, place.line_at, place.number)
        query = query.where(tuple_(*calling_order(PointEntry)) < tuple_(*before))
    return db.session.scalars(query).one()


def list_open_points() -> list[Row]:
    """The open service points by name, with the number of patients who wait at each today: id, name, kind, waiting."""
    waiting = (
        select(func.count())
        .where(
            PointEntry.point_id == ServicePoint.id,
            PointEntry.service_date == clock.today(),
            PointEntry.status.in_(GROUPS["waiting"]),
        )
        .scalar_subquery()
    )
    query = select(ServicePoint.id, ServicePoint.name, ServicePoint.kind, waiting.label("waiting"))
    return list(db.session.execute(query.where(ServicePoint.is_active).order_by(ServicePoint.name, ServicePoint.id)))


def list_calls_of_points(point_id: int | None = None, *, limit: int = MAX_CALLS_SHOWN) -> list[Row]:
    """Tokens called today to a service point, or to any, latest first, as `list_last_calls` of the queue: the room is the
    point. No patient names, because the waiting room sees them."""
    query = (
        _tokens()
        .add_columns(PointEntry.status, PointEntry.called_at)
        .where(
            PointEntry.called_at.is_not(None),
            PointEntry.status.in_((QueueStatus.CALLED.value, QueueStatus.IN_SERVICE.value)),
            or_(PointEntry.point_id == point_id, point_id is None),
        )
    )
    return list(db.session.execute(query.order_by(PointEntry.called_at.desc(), PointEntry.id.desc()).limit(limit)))


def list_next_of_points(point_id: int | None = None, *, limit: int = MAX_NEXT_SHOWN) -> list[Row]:
    """The first tokens that wait to be called to a service point, or to any. No patient names."""
    query = _tokens().where(
        PointEntry.status == QueueStatus.WAITING.value,
        PointEntry.held_at.is_(None),
        or_(PointEntry.point_id == point_id, point_id is None),
    )
    return list(db.session.execute(query.order_by(*calling_order(PointEntry)).limit(limit)))


def _tokens() -> Select:
    token = func.concat(PointEntry.prefix, PointEntry.token).label("token")
    columns = (func.concat("point-", PointEntry.id).label("id"), token, ServicePoint.name.label("room"))
    query = select(*columns, null().label("doctor_name"))
    return query.join(ServicePoint, ServicePoint.id == PointEntry.point_id).where(
        PointEntry.service_date == clock.today()
    )
