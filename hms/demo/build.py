"""Builds the demo hospital, and adds today's work to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import timedelta
from random import Random

from sqlalchemy import delete, func, select

from hms.appointments.models import Appointment
from hms.appointments.waits import jobs as waits
from hms.core import clock
from hms.core.actions import action_context
from hms.core.background.outbox import Outbox
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import SYSTEM
from hms.patients.models import Patient

from . import cashier_day_end, front_desk, hospital, past_lines, records, visits
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
SEEN_TODAY = TO_DISPENSE + TO_PAY + PAID

Progress = Callable[[str], None]


def build(report_step: Progress, *, patients: int = demo_patients.COUNT, weeks: int = WEEKS) -> bool:
    """Create the demo data; returns False without a change when there are patients already. `report_step` is called with the
    name of each step."""
    if db.session.execute(select(func.count()).select_from(Patient)).scalar_one():
        db.session.rollback()
        return False
    random = Random(SEED)  # noqa: S311 - demo data must be the same every time
    report_step("staff and clinic hours")
    hospital.add_staff()
    report_step("prices, medicines, diagnoses")
    hospital.set_prices()
    hospital.add_note_template()
    hospital.propose_rule()
    front_desk.add_consents(visits.Team.load())
    report_step("stock")
    hospital.add_stock(random)
    report_step("patients")
    ids = demo_patients.register_patients(random, patients)
    report_step("past visits")
    _past_visits(random, ids, weeks)
    report_step("records")
    records.fill_records(visits.Team.load(), ids)
    records.book_series(visits.Team.load(), ids)
    waits.make_service_paces()
    _drop_old_jobs()
    return True


def _drop_old_jobs() -> None:
    """Delete the jobs of past visits, so that the first start does not create all their invoices."""
    with action_context("demo.leave_old_papers", SYSTEM):
        db.session.execute(delete(Outbox))


def _past_visits(random: Random, ids: list[int], weeks: int) -> None:
    team, number = visits.Team.load(), 0
    of_lines = Random(f"{SEED} lines")  # noqa: S311 - the same every time
    for days_ago in range(weeks * 7, 0, -1):
        day = clock.today() - timedelta(days=days_ago)
        cashier_day_end.open_till(team, clock.at(day, cashier_day_end.OPENS))
        people = random.sample(ids, min(VISITS_A_DAY, len(ids)))
        past_lines.make_lines(team, of_lines, [each for each in ids if each not in people], day)
        for patient_id in people:
            doctor, number = random.choice(team.doctors), number + 1
            when = clock.at(day, dt.time(random.randint(9, 12), random.choice((0, 15, 30, 45))))
            visits.make_visit(team, patient_id, doctor, when, random, number)
            db.session.remove()
        cashier_day_end.close_till(team, clock.at(day, cashier_day_end.CLOSES))


def bring_to_today(report_step: Progress) -> bool:
    """Add today's appointments, queue, prescriptions and bills; returns False without a change when today has appointments."""
    today = clock.today()
    if db.session.execute(select(func.count()).where(Appointment.date == today)).scalar_one():
        return False
    report_step("today")
    random = Random(f"{SEED} {today}")  # noqa: S311 - the same all day
    team = visits.Team.load()
    ids = list(db.session.scalars(select(Patient.id).where(Patient.status == "active").order_by(Patient.id)))
    booked = _bookings(team, random, ids, today)
    cashier_day_end.open_till(team, min(clock.at(today, cashier_day_end.OPENS), clock.now() - timedelta(hours=4)))
    _morning(team, random, booked)
    front_desk.send_to_points(team)
    front_desk.fill_calendar(team, ids)
    cashier_day_end.leave_open_cases(team, random)
    db.session.remove()
    return True


def _bookings(team: visits.Team, random: Random, ids: list[int], today: dt.date) -> list[int]:
    """Book today's appointments as of yesterday; returns their ids in the order of their times. The two demo doctors get more
    than the others."""
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
    """Check in the first patients. `SEEN_TODAY` of them are seen; the next `WAITING_TODAY` wait in the queue."""
    for place, appointment_id in enumerate(booked[: SEEN_TODAY + WAITING_TODAY]):
        appointment = db.session.get(Appointment, appointment_id)
        doctor = next(doctor for doctor in team.doctors if doctor.id == appointment.doctor_id)
        case = random.choice(CASES[:2]) if place < SEEN_TODAY else random.choice(CASES)
        ago = timedelta(minutes=max(6, 160 - 8 * place))
        try:
            _morning_visit(team, random, place, appointment_id, doctor, case, clock.now() - ago)
        except DomainError:
            db.session.rollback()


def _morning_visit(team, random, place, appointment_id, doctor, case, when) -> None:
    with clock.frozen_at(when):
        entry_id = visits.check_in(team, appointment_id, random, case, with_vitals=place % 3 != 2 or place < SEEN_TODAY)
    if place >= SEEN_TODAY:
        return
    with clock.frozen_at(when + timedelta(minutes=4)):
        encounter = visits.consult(doctor, entry_id, random, case)
    if place % 2:
        with clock.frozen_at(when + timedelta(minutes=5)):
            visits.enter_lab_results(team, encounter.id, random, case)
    if place >= TO_DISPENSE:
        with clock.frozen_at(when + timedelta(minutes=5)):
            visits.dispense(team, encounter.id)
    if place >= TO_DISPENSE + TO_PAY:
        with clock.frozen_at(when + timedelta(minutes=7)):
            visits.pay_all(team, encounter.patient_id, random, place)
