"""Patients, doctors, clinic hours and queue entries for tests. Every function writes as the system."""

from __future__ import annotations

import datetime as dt
import itertools

from sqlalchemy import select

from hms.appointments.models import QueueEntry, WorkingHours
from hms.core import clock, gapless_numbers
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.patients.models import Patient
from hms.staff.models import Role, User

_numbers = itertools.count(700_001)


def next_weekday(weekday: int, weeks: int = 1) -> dt.date:
    """A future date on this weekday (0 is Monday), at least `weeks` - 1 weeks away."""
    today = clock.today()
    return today + dt.timedelta(days=(weekday - today.weekday() - 1) % 7 + 1 + 7 * (weeks - 1))


MONDAY = next_weekday(0)


def patient(given: str = "Kadiatu", family: str = "Kamara", **more: object) -> Patient:
    number = next(_numbers)
    with action_context("tests.patient", SYSTEM):
        made = Patient(
            number=number,
            hospital_number=f"HMS-{number}-0",
            given_names=given,
            family_name=family,
            sex="female",
            **more,
        )
        db.session.add(made)
        db.session.flush()
    return made


def doctor(username: str = "dr.bah", **more: object) -> User:
    with action_context("tests.doctor", SYSTEM):
        role = db.session.scalars(select(Role).filter_by(code="doctor")).one()
        names = {"title": "Dr", "first_name": "Amadu", "last_name": "Bah", "room": "Room 3"} | more
        made = User(username=username, role=role, **names)
        db.session.add(made)
        db.session.flush()
    return made


def hours(
    doctor_id: int,
    *,
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6),
    starts: str = "08:00",
    ends: str = "12:00",
    capacity: int = 1,
    overbooking: int = 0,
) -> None:
    """Clinic hours in slots of 15 minutes, from a month ago."""
    with action_context("tests.hours", SYSTEM):
        for weekday in weekdays:
            db.session.add(
                WorkingHours(
                    doctor_id=doctor_id,
                    weekday=weekday,
                    starts=dt.time.fromisoformat(starts),
                    ends=dt.time.fromisoformat(ends),
                    capacity=capacity,
                    overbooking=overbooking,
                    valid_from=clock.today() - dt.timedelta(days=30),
                )
            )


def waiting(patient_id: int, *, minutes_ago: int = 0, **more: object) -> QueueEntry:
    """A patient who waits in today's queue since `minutes_ago`."""
    today = clock.today()
    with action_context("tests.waiting", SYSTEM):
        entry = QueueEntry(
            service_date=today,
            token=gapless_numbers.next_number(f"token:{today.isoformat()}"),
            patient_id=patient_id,
            arrived_at=clock.now() - dt.timedelta(minutes=minutes_ago),
            **more,
        )
        db.session.add(entry)
        db.session.flush()
    return entry
