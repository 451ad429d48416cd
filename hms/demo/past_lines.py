"""Lines of past days: the times of their calls, from which the waits of today are reckoned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from sqlalchemy import select

from hms.appointments.lines import actions as line_actions
from hms.appointments.models import ServicePoint
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import Person

from .visits import Team

IN_LINE = 2
BEGINS = dt.time(8)
POINT = "LAB"


def make_lines(team: Team, random: Random, patient_ids: list[int], day: date) -> None:
    """Let a few of the patients come early on a past day to the two doctors of the demo and to the laboratory: all are called
    in turn, and nothing else is done."""
    point_id = db.session.scalars(select(ServicePoint.id).filter_by(code=POINT)).one()
    people = random.sample(patient_ids, min(3 * IN_LINE, len(patient_ids)))
    for number, doctor in enumerate((team.doctor, team.doctor2)):
        _visit_doctor(team, random, day, doctor, people[number * IN_LINE :][:IN_LINE])
    _visit_point(team, random, day, point_id, people[2 * IN_LINE :])
    db.session.remove()


def _visit_doctor(team: Team, random: Random, day: date, doctor: Person, people: list[int]) -> None:
    def come(patient_id: int) -> int:
        return transitions.add_to_queue(patient_id, doctor_id=doctor.id, by=team.receptionist).id

    def call(entry_id: int) -> None:
        queue_actions.call_patient(entry_id, by=doctor)

    def leave(entry_id: int) -> None:
        queue_actions.start_service(entry_id, by=doctor)
        queue_actions.finish_service(entry_id, by=doctor)

    _in_turn(random, day, people, come, call, leave)


def _visit_point(team: Team, random: Random, day: date, point_id: int, people: list[int]) -> None:
    def come(patient_id: int) -> int:
        return line_actions.add_to_point(patient_id, point_id, by=team.lab).id

    def call(place_id: int) -> None:
        line_actions.call_to_point(place_id, by=team.lab)

    def leave(place_id: int) -> None:
        line_actions.finish_at_point(place_id, by=team.lab)

    _in_turn(random, day, people, come, call, leave)


def _in_turn(
    random: Random,
    day: date,
    people: list[int],
    come: Callable[[int], int],
    call: Callable[[int], None],
    leave: Callable[[int], None],
) -> None:
    """All come before the first call; each is called when the one before has left. Who is in another line is left out."""
    opens = clock.at(day, BEGINS)
    ids: list[int] = []
    with clock.frozen_at(opens):
        for patient_id in people:
            try:
                ids.append(come(patient_id))
            except DomainError:
                db.session.rollback()
    now = opens + timedelta(minutes=random.randint(2, 12))
    for entry_id in ids:
        with clock.frozen_at(now):
            call(entry_id)
        now += timedelta(minutes=random.randint(6, 22))
        with clock.frozen_at(now):
            leave(entry_id)
        now += timedelta(minutes=1)
