"""Builds the demo hospital, or brings an older one up to today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import timedelta
from random import Random

from sqlalchemy import delete, func, select

from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.actions import action_context
from hms.core.background.outbox import Outbox
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import SYSTEM
from hms.patients.models import Patient

from . import cashier_day_end, hospital, visits
from . import patients as demo_patients
from .cases import CASES

SEED = 2026
WEEKS = 4
VISITS_A_DAY = 3
BOOKED_TODAY = 48
WAITING_TODAY = 9
TO_DISPENSE = 5
TO_PAY = 4
PAID = 3
SEEN = TO_DISPENSE + TO_PAY + PAID

Tell = Callable[[str], None]


def build(tell: Tell, *, patients: int = demo_patients.COUNT, weeks: int = WEEKS) -> bool:
    """Make the demo; False when the hospital has patients already. `tell` hears each step."""
    if db.session.execute(select(func.count()).select_from(Patient)).scalar_one():
        db.session.rollback()
        return False
    random = Random(SEED)  # noqa: S311 - demo data must be the same every time
    tell("people and hours")
    hospital.hire()
    tell("prices, medicines, diagnoses")
    hospital.set_prices()
    hospital.write_templates()
    tell("stock")
    hospital.stock_shelves(random)
    tell("patients")
    ids = demo_patients.register_everybody(random, patients)
    tell("past visits")
    _past(random, ids, weeks)
    _leave_old_papers()
    return True


def _leave_old_papers() -> None:
    """Invoices of past visits are made when somebody asks for them, not all at the first start."""
    with action_context("demo.leave_old_papers", SYSTEM):
        db.session.execute(delete(Outbox))


def _past(random: Random, ids: list[int], weeks: int) -> None:
    team, number = visits.Team.gathered(), 0
    for days_ago in range(weeks * 7, 0, -1):
        day = clock.today() - timedelta(days=days_ago)
        cashier_day_end.open_till(team, clock.at(day, cashier_day_end.OPENS))
        for patient_id in random.sample(ids, min(VISITS_A_DAY, len(ids))):
            doctor, number = random.choice(team.doctors), number + 1
            when = clock.at(day, dt.time(random.randint(9, 12), random.choice((0, 15, 30, 45))))
            visits.whole_visit(team, patient_id, doctor, when, random, number)
            db.session.remove()
        cashier_day_end.close_till(team, clock.at(day, cashier_day_end.CLOSES))


def bring_to_today(tell: Tell) -> bool:
    """Bookings, a queue, prescriptions waiting and bills to pay for today; False when today has bookings already."""
    today = clock.today()
    if db.session.execute(select(func.count()).where(Appointment.date == today)).scalar_one():
        return False
    tell("today")
    random = Random(f"{SEED} {today}")  # noqa: S311 - the same all day
    team = visits.Team.gathered()
    ids = list(db.session.scalars(select(Patient.id).where(Patient.status == "active").order_by(Patient.id)))
    booked = _bookings(team, random, ids, today)
    cashier_day_end.open_till(team, min(clock.at(today, cashier_day_end.OPENS), clock.now() - timedelta(hours=4)))
    _morning(team, random, booked)
    cashier_day_end.leave_for_others(team, random)
    db.session.remove()
    return True


def _bookings(team: visits.Team, random: Random, ids: list[int], today: dt.date) -> list[int]:
    """Today's bookings, made yesterday, in the order of their times; the two demo doctors have the fullest lists."""
    booked: list[int] = []
    times = [dt.time(hour, minute) for hour in range(9, 16) for minute in (0, 15, 30, 45)]
    with clock.frozen_at(clock.at(today, dt.time(7)) - timedelta(days=1)):
        for patient_id, time in zip(
            random.sample(ids, min(BOOKED_TODAY, len(ids))), sorted(random.choices(times, k=BOOKED_TODAY)), strict=False
        ):
            doctor = random.choice((team.doctor, team.doctor2, *team.doctors))
            appointment_id = visits.book(team, patient_id, doctor, today, time, random.choice(CASES).complaint)
            booked += [appointment_id] if appointment_id else []
    return booked


def _morning(team: visits.Team, random: Random, booked: list[int]) -> None:
    """The first have been seen (their medicines wait, or their bills), the next ones wait in the queue."""
    for place, appointment_id in enumerate(booked[: SEEN + WAITING_TODAY]):
        appointment = db.session.get(Appointment, appointment_id)
        doctor = next(one for one in team.doctors if one.id == appointment.doctor_id)
        case = random.choice(CASES[:2]) if place < SEEN else random.choice(CASES)
        ago = timedelta(minutes=max(6, 160 - 8 * place))
        try:
            _one_morning(team, random, place, appointment_id, doctor, case, clock.now() - ago)
        except DomainError:
            db.session.rollback()


def _one_morning(team, random, place, appointment_id, doctor, case, when) -> None:
    with clock.frozen_at(when):
        entry_id = visits.arrive(team, appointment_id, random, case, measured=place % 3 != 2 or place < SEEN)
    if place >= SEEN:
        return
    with clock.frozen_at(when + timedelta(minutes=4)):
        encounter = visits.see(doctor, entry_id, random, case)
    if place % 2:
        with clock.frozen_at(when + timedelta(minutes=5)):
            visits.examine(team, encounter.id, random, case)
    if place >= TO_DISPENSE:
        with clock.frozen_at(when + timedelta(minutes=5)):
            visits.dispense(team, encounter.id)
    if place >= TO_DISPENSE + TO_PAY:
        with clock.frozen_at(when + timedelta(minutes=7)):
            visits.pay_all(team, encounter.patient_id, random, place)
