"""Reads of the waits: what was seen in the last weeks, and the expected wait of everybody in today's lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, bindparam, case, cast, func, literal, null, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from hms.appointments.enums import QueueStatus
from hms.appointments.models import (
    Absence,
    Appointment,
    Holiday,
    PointEntry,
    QueueEntry,
    ServicePace,
    WorkingHours,
    calling_order,
)
from hms.core import clock
from hms.core.db.session import db

from . import rules
from .rules import ALL_KINDS, Call, Caller, ComingCaller, Minutes, Pace, Spread, Waiting

WEEKS = 4
"""How many weeks of calls the paces are made from."""
FIRST_CALL_WEEKS = 8
"""How many weeks of first calls are kept: of each weekday there is one in a week."""
OLDEST = timedelta(days=7)
"""Paces that were made longer ago are not used: the clock has stood still."""


class Callers(Enum):
    """Who calls patients: the value is the column of their paces. Doctors call entries of the queue, points those of their
    own lines."""

    DOCTORS = "doctor_id"
    POINTS = "point_id"

    @property
    def entry(self) -> Any:
        """The table of those who are called."""
        return QueueEntry if self is Callers.DOCTORS else PointEntry

    @property
    def caller_id(self) -> Any:
        return getattr(self.entry, self.value)

    def kind(self) -> Any:
        """The kind of a visit to a doctor. At a service point all visits are of one kind."""
        if self is Callers.POINTS:
            return literal(ALL_KINDS).label("kind")
        return case(
            (QueueEntry.appointment_id.is_(None), rules.WALK_IN),
            (Appointment.visit_type_id.is_(None), rules.BOOKED),
            else_=cast(Appointment.visit_type_id, Text),
        ).label("kind")

    def select(self, *columns: Any) -> Select:
        """These columns of those who are called, with what `kind` needs."""
        query = select(*columns)
        if self is Callers.POINTS:
            return query.select_from(PointEntry)
        return query.outerjoin(Appointment, Appointment.id == QueueEntry.appointment_id)


def list_calls(callers: Callers, today: date) -> list[Call]:
    """The calls of the weeks before `today`, by caller, day and time."""
    days = {"first": today - timedelta(weeks=WEEKS), "today": today}
    return [Call(*row) for row in db.session.execute(_calls_statement(callers), days)]


@cache
def _calls_statement(callers: Callers) -> Select:
    first, today, entry = bindparam("first"), bindparam("today"), callers.entry
    called = (entry.service_date >= first, entry.service_date < today, entry.called_at.is_not(None))
    order = {
        "partition_by": (callers.caller_id, entry.service_date),
        "order_by": (entry.called_at, entry.id),
    }
    calls = (
        callers.select(
            entry.id,
            callers.caller_id.label("caller_id"),
            entry.service_date,
            entry.priority,
            entry.arrived_at,
            entry.called_at,
            func.lag(entry.called_at).over(**order).label("before"),
            func.lag(callers.kind()).over(**order).label("kind_before"),
            func.max(entry.ended_at).over(**order, rows=(None, -1)).label("free_at"),
        )
        .where(*called, callers.caller_id.is_not(None))
        .subquery()
    )
    later = aliased(calls)
    overtakers = (
        select(func.count())
        .where(
            later.c.caller_id == calls.c.caller_id,
            later.c.service_date == calls.c.service_date,
            later.c.arrived_at > calls.c.arrived_at,
            later.c.called_at < calls.c.called_at,
        )
        .scalar_subquery()
    )
    row = calls.c
    return select(
        row.caller_id,
        row.service_date,
        row.priority,
        _seconds(row.called_at - row.arrived_at),
        overtakers,
        row.kind_before,
        case((row.arrived_at <= row.before, _seconds(row.called_at - row.before))),
        case((row.arrived_at <= row.free_at, _seconds(row.called_at - row.free_at))),
    ).order_by(row.caller_id, row.service_date, row.called_at, row.id)


def list_first_calls(callers: Callers, today: date) -> dict[int, list[tuple[date, int]]]:
    """Of each caller the days before `today` and the seconds from midnight, in hospital time, to the first call."""
    first_calls: dict[int, list[tuple[date, int]]] = defaultdict(list)
    days = {"first": today - timedelta(weeks=FIRST_CALL_WEEKS), "today": today}
    for caller_id, day, called_at in db.session.execute(_first_calls_statement(callers), days):
        first_calls[caller_id].append((day, clock.second_of_day(called_at)))
    return first_calls


@cache
def _first_calls_statement(callers: Callers) -> Select:
    entry, caller_id = callers.entry, callers.caller_id
    return (
        select(caller_id, entry.service_date, func.min(entry.called_at))
        .where(
            entry.service_date >= bindparam("first"),
            entry.service_date < bindparam("today"),
            entry.called_at.is_not(None),
            caller_id.is_not(None),
        )
        .group_by(caller_id, entry.service_date)
        .order_by(caller_id, entry.service_date)
    )


def _seconds(span: Any) -> Any:
    return func.floor(func.extract("epoch", span)).cast(db.Integer)


def load_paces(callers: Callers, ids: Iterable[int]) -> dict[int, dict[str, Pace]]:
    """The paces of these callers by id and kind; without a caller of whom too little is known."""
    paces: dict[int, dict[str, Pace]] = defaultdict(dict)
    values = {"ids": list(ids), "since": clock.today() - OLDEST}
    for row in db.session.execute(_paces_statement(callers), values):
        gaps = Spread.of(row.gaps) if row.gaps else None
        turns = Spread.of(row.turns, row.day_variance)
        first_calls = {int(weekday): seconds for weekday, seconds in row.first_calls.items()}
        paces[row.caller_id][row.kind] = Pace(turns, gaps, tuple(row.overtaken), first_calls)
    return {caller_id: kinds for caller_id, kinds in paces.items() if ALL_KINDS in kinds}


@cache
def _paces_statement(callers: Callers) -> Select:
    of = getattr(ServicePace, callers.value)
    columns = (of.label("caller_id"), ServicePace.kind, ServicePace.turns, ServicePace.gaps)
    return select(*columns, ServicePace.day_variance, ServicePace.overtaken, ServicePace.first_calls).where(
        of.in_(bindparam("ids", expanding=True)), ServicePace.made_on >= bindparam("since")
    )


def expected_waits(callers: Callers = Callers.DOCTORS) -> dict[int, Minutes]:
    """The expected wait from now of each patient in today's lines who is not called yet, by the id of the entry: of the queue
    for doctors, of the lines of service points for those.

    A patient of whose doctor or point too little is known is not in it. Where nobody was called today, the wait is estimated
    from past days and says so. At most four statements, however many wait.
    """
    today, now = clock.today(), clock.now()
    waiting = [Waiting(*row) for row in db.session.execute(_waiting_statement(callers), {"day": today})]
    if not waiting:
        return {}
    called = db.session.execute(_last_calls_statement(callers), {"day": today}).all()
    here = [row for row in called if rules.is_here(now, row.called_at, row.ended_at, is_free=row.is_free)]
    begun = {row.caller_id for row in called}
    coming = _find_coming({patient.caller_id for patient in waiting} - begun, callers, has_begun=bool(here))
    paces = load_paces(callers, {row.caller_id for row in here} | coming) if here or coming else {}
    at_work: dict[int, Caller | ComingCaller] = {
        row.caller_id: Caller(paces[row.caller_id], row.called_at, row.kind, row.is_free)
        for row in here
        if row.caller_id in paces
    }
    for caller_id in (coming - begun) & paces.keys():
        comes = rules.coming_caller(paces[caller_id], today.weekday(), clock.second_of_day(now))
        if comes is not None:
            at_work[caller_id] = comes
    waits = rules.expected_waits(waiting, at_work, now)
    return {entry_id: rules.shown_minutes(wait) for entry_id, wait in waits.items()}


def _find_coming(awaited: set[int | None], callers: Callers, *, has_begun: bool) -> set[int]:
    """Those who are expected today: who is waited for and not away, and, for patients who wait for any doctor before one has
    begun, the doctors with clinic hours today. Nobody on a holiday."""
    if not awaited or (awaited == {None} and (has_begun or callers is Callers.POINTS)):
        return set()
    today, now = clock.today(), clock.now()
    values = {"day": today, "weekday": today.weekday(), "now": now, "day_ends": clock.day_bounds(today)[1]}
    rows = db.session.execute(_expected_statement(), values).all()
    if any(row.what == "holiday" for row in rows):
        return set()
    expected = {caller_id for caller_id in awaited if caller_id is not None}
    if callers is Callers.POINTS:
        return expected
    if None in awaited and not has_begun:
        expected |= {row.doctor_id for row in rows if row.what == "hours"}
    return expected - {row.doctor_id for row in rows if row.what == "away"}


@cache
def _expected_statement() -> CompoundSelect:
    """Who has clinic hours on a day, who is away in the rest of it, and whether it is a holiday."""
    day, now = bindparam("day"), bindparam("now")
    hours = select(literal("hours").label("what"), WorkingHours.doctor_id).where(
        WorkingHours.weekday == bindparam("weekday"),
        WorkingHours.valid_from <= day,
        (WorkingHours.valid_to >= day) | WorkingHours.valid_to.is_(None),
    )
    away = select(literal("away"), Absence.doctor_id).where(Absence.starts < bindparam("day_ends"), Absence.ends > now)
    holiday = select(literal("holiday"), cast(null(), Absence.doctor_id.type)).where(Holiday.day == day)
    return union_all(hours, away, holiday)


@cache
def _waiting_statement(callers: Callers) -> Select:
    entry = callers.entry
    return (
        callers.select(entry.id, callers.caller_id, callers.kind(), entry.priority)
        .where(
            entry.service_date == bindparam("day"),
            entry.status == QueueStatus.WAITING.value,
            entry.held_at.is_(None),
        )
        .order_by(*calling_order(entry))
    )


@cache
def _last_calls_statement(callers: Callers) -> Select:
    """Of each caller the last call of a day, when a visit ended last, and whether nobody is inside."""
    entry, caller_id = callers.entry, callers.caller_id
    of_caller = {"partition_by": caller_id}
    is_inside = entry.status.in_((QueueStatus.CALLED.value, QueueStatus.IN_SERVICE.value))
    return (
        callers.select(
            caller_id.label("caller_id"),
            entry.called_at,
            callers.kind(),
            func.max(entry.ended_at).over(**of_caller).label("ended_at"),
            (~func.bool_or(is_inside).over(**of_caller)).label("is_free"),
        )
        .where(
            entry.service_date == bindparam("day"),
            entry.called_at.is_not(None),
            caller_id.is_not(None),
        )
        .ext(distinct_on(caller_id))
        .order_by(caller_id, entry.called_at.desc(), entry.id.desc())
    )
