"""Reads of the waits: what was seen in the last weeks, and the expected wait of everybody in today's queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, bindparam, case, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from hms.appointments.enums import QueueStatus
from hms.appointments.models import CALLING_ORDER, Appointment, QueueEntry, ServicePace
from hms.core import clock
from hms.core.db.session import db

from . import rules
from .rules import ALL_KINDS, Call, Doctor, Minutes, Pace, Spread, Waiting

WEEKS = 4
"""How many weeks of calls the paces are made from."""
OLDEST = timedelta(days=7)
"""Paces that were made longer ago are not used: the clock has stood still."""

KIND = case(
    (QueueEntry.appointment_id.is_(None), rules.WALK_IN),
    (Appointment.visit_type_id.is_(None), rules.BOOKED),
    else_=cast(Appointment.visit_type_id, Text),
).label("kind")


def list_calls(today: date) -> list[Call]:
    """The calls of the weeks before `today`, by doctor, day and time."""
    days = {"first": today - timedelta(weeks=WEEKS), "today": today}
    return [Call(*row) for row in db.session.execute(_calls_statement(), days)]


@cache
def _calls_statement() -> Select:
    first, today = bindparam("first"), bindparam("today")
    called = (QueueEntry.service_date >= first, QueueEntry.service_date < today, QueueEntry.called_at.is_not(None))
    order = {
        "partition_by": (QueueEntry.doctor_id, QueueEntry.service_date),
        "order_by": (QueueEntry.called_at, QueueEntry.id),
    }
    calls = (
        select(
            QueueEntry.id,
            QueueEntry.doctor_id,
            QueueEntry.service_date,
            QueueEntry.priority,
            QueueEntry.arrived_at,
            QueueEntry.called_at,
            func.lag(QueueEntry.called_at).over(**order).label("before"),
            func.lag(KIND).over(**order).label("kind_before"),
            func.max(QueueEntry.ended_at).over(**order, rows=(None, -1)).label("free_at"),
        )
        .outerjoin(Appointment, Appointment.id == QueueEntry.appointment_id)
        .where(*called, QueueEntry.doctor_id.is_not(None))
        .subquery()
    )
    later = aliased(calls)
    overtakers = (
        select(func.count())
        .where(
            later.c.doctor_id == calls.c.doctor_id,
            later.c.service_date == calls.c.service_date,
            later.c.arrived_at > calls.c.arrived_at,
            later.c.called_at < calls.c.called_at,
        )
        .scalar_subquery()
    )
    row = calls.c
    return select(
        row.doctor_id,
        row.service_date,
        row.priority,
        _seconds(row.called_at - row.arrived_at),
        overtakers,
        row.kind_before,
        case((row.arrived_at <= row.before, _seconds(row.called_at - row.before))),
        case((row.arrived_at <= row.free_at, _seconds(row.called_at - row.free_at))),
    ).order_by(row.doctor_id, row.service_date, row.called_at, row.id)


def _seconds(span: Any) -> Any:
    return func.floor(func.extract("epoch", span)).cast(db.Integer)


def load_paces(doctor_ids: Iterable[int]) -> dict[int, dict[str, Pace]]:
    """The paces of these doctors by id and kind; without a doctor of whom too little is known."""
    paces: dict[int, dict[str, Pace]] = defaultdict(dict)
    values = {"doctor_ids": list(doctor_ids), "since": clock.today() - OLDEST}
    for row in db.session.execute(_paces_statement(), values):
        gaps = Spread.of(row.gaps) if row.gaps else None
        paces[row.doctor_id][row.kind] = Pace(Spread.of(row.turns, row.day_variance), gaps, tuple(row.overtaken))
    return {doctor_id: kinds for doctor_id, kinds in paces.items() if ALL_KINDS in kinds}


@cache
def _paces_statement() -> Select:
    columns = (ServicePace.doctor_id, ServicePace.kind, ServicePace.turns, ServicePace.gaps)
    return select(*columns, ServicePace.day_variance, ServicePace.overtaken).where(
        ServicePace.doctor_id.in_(bindparam("doctor_ids", expanding=True)), ServicePace.made_on >= bindparam("since")
    )


def expected_waits() -> dict[int, Minutes]:
    """The expected wait from now of each patient in today's queue who is not called yet, by the id of the queue entry.

    A patient of whose doctor too little is known, or who has not called anybody today, is not in it. At most three statements,
    however many wait.
    """
    today, now = clock.today(), clock.now()
    waiting = [Waiting(*row) for row in db.session.execute(_waiting_statement(), {"day": today})]
    if not waiting:
        return {}
    called = db.session.execute(_last_calls_statement(), {"day": today}).all()
    here = [row for row in called if rules.is_here(now, row.called_at, row.ended_at, is_free=row.is_free)]
    paces = load_paces(row.doctor_id for row in here) if here else {}
    doctors = {
        row.doctor_id: Doctor(paces[row.doctor_id], row.called_at, row.kind, row.is_free)
        for row in here
        if row.doctor_id in paces
    }
    waits = rules.expected_waits(waiting, doctors, now)
    return {entry_id: rules.shown_minutes(wait) for entry_id, wait in waits.items()}


@cache
def _waiting_statement() -> Select:
    columns = (QueueEntry.id, QueueEntry.doctor_id, KIND, QueueEntry.priority)
    return (
        select(*columns)
        .outerjoin(Appointment, Appointment.id == QueueEntry.appointment_id)
        .where(
            QueueEntry.service_date == bindparam("day"),
            QueueEntry.status == QueueStatus.WAITING.value,
            QueueEntry.held_at.is_(None),
        )
        .order_by(*CALLING_ORDER)
    )


@cache
def _last_calls_statement() -> Select:
    """Of each doctor the last call of a day, when a visit ended last, and whether nobody is inside."""
    of_doctor = {"partition_by": QueueEntry.doctor_id}
    is_inside = QueueEntry.status.in_((QueueStatus.CALLED.value, QueueStatus.IN_SERVICE.value))
    return (
        select(
            QueueEntry.doctor_id,
            QueueEntry.called_at,
            KIND,
            func.max(QueueEntry.ended_at).over(**of_doctor).label("ended_at"),
            (~func.bool_or(is_inside).over(**of_doctor)).label("is_free"),
        )
        .outerjoin(Appointment, Appointment.id == QueueEntry.appointment_id)
        .where(
            QueueEntry.service_date == bindparam("day"),
            QueueEntry.called_at.is_not(None),
            QueueEntry.doctor_id.is_not(None),
        )
        .ext(distinct_on(QueueEntry.doctor_id))
        .order_by(QueueEntry.doctor_id, QueueEntry.called_at.desc(), QueueEntry.id.desc())
    )
