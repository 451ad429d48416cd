"""Reads of journeys: the stops of patients on one day, in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    DateTime,
    Select,
    String,
    bindparam,
    column,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)

from hms.appointments.enums import PointStatus, QueueStatus
from hms.appointments.models import PointEntry, QueueEntry, ServicePoint
from hms.core import clock
from hms.core.db.session import db
from hms.staff.directory import display_name_column
from hms.staff.models import User

ENDED = (QueueStatus.DONE, QueueStatus.LEFT, PointStatus.ABSENT)
# This desk may not import the one above it that keeps vitals, so the needed columns of its table are declared here.
_VITALS = table(
    "vitals_reading",
    column("patient_id", BigInteger),
    column("taken_at", DateTime(timezone=True)),
    column("status", String),
).c


class Stop(NamedTuple):
    """A stop of a patient: "arrived", "vitals", "doctor" (the call) or "point". `until` is when it ended, as far as known."""

    kind: str
    at: datetime
    until: datetime | None
    place: str
    token: str
    status: str

    @property
    def is_here(self) -> bool:
        """Whether the patient waits at this service point, or is served there."""
        return self.kind == "point" and self.status not in ENDED


def find_journeys(patient_ids: Iterable[int], day: date | None = None) -> dict[int, list[Stop]]:
    """The stops of these patients on `day` (default today) by the patient's id, in the order of time. One statement; of each
    vitals only the first of the day."""
    ids = list(patient_ids)
    if not ids:
        return {}
    day = day or clock.today()
    starts, ends = clock.day_bounds(day)
    values = {"patient_ids": ids, "day": day, "starts": starts, "ends": ends}
    journeys: dict[int, list[Stop]] = defaultdict(list)
    for patient_id, *stop in db.session.execute(_statement(), values):
        journeys[patient_id].append(Stop(*stop))
    return dict(journeys)


@cache
def _statement() -> Select:
    ids, day = bindparam("patient_ids", expanding=True), bindparam("day")
    nothing, visits = literal(""), (QueueEntry.service_date == day, QueueEntry.patient_id.in_(ids))
    arrivals = select(
        QueueEntry.patient_id,
        literal("arrived").label("kind"),
        QueueEntry.arrived_at.label("at"),
        null().label("until"),
        nothing.label("place"),
        func.concat(QueueEntry.token, "").label("token"),
        QueueEntry.status,
    ).where(*visits, QueueEntry.status != QueueStatus.CANCELLED.value)
    calls = (
        select(
            QueueEntry.patient_id,
            literal("doctor"),
            QueueEntry.called_at,
            QueueEntry.ended_at,
            func.coalesce(display_name_column(), ""),
            func.concat(QueueEntry.token, ""),
            QueueEntry.status,
        )
        .outerjoin(User, User.id == QueueEntry.doctor_id)
        .where(*visits, QueueEntry.called_at.is_not(None), QueueEntry.status != QueueStatus.CANCELLED.value)
    )
    points = (
        select(
            PointEntry.patient_id,
            literal("point"),
            PointEntry.arrived_at,
            PointEntry.ended_at,
            ServicePoint.name,
            func.concat(PointEntry.prefix, PointEntry.token),
            PointEntry.status,
        )
        .join(ServicePoint, ServicePoint.id == PointEntry.point_id)
        .where(
            PointEntry.service_date == day,
            PointEntry.patient_id.in_(ids),
            PointEntry.status != QueueStatus.CANCELLED.value,
        )
    )
    vitals = (
        select(_VITALS.patient_id, literal("vitals"), func.min(_VITALS.taken_at), null(), nothing, nothing, nothing)
        .where(
            _VITALS.patient_id.in_(ids),
            _VITALS.taken_at >= bindparam("starts"),
            _VITALS.taken_at < bindparam("ends"),
            _VITALS.status == "final",
        )
        .group_by(_VITALS.patient_id)
    )
    stops = union_all(arrivals, calls, points, vitals).subquery()
    return select(stops).order_by(stops.c.patient_id, stops.c.at, stops.c.kind)
