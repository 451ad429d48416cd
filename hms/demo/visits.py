"""Visits of the demo, step by step: booking, check-in, vitals, encounter, laboratory, dispensing, payment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from sqlalchemy import select

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.queue import transitions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Bill
from hms.billing.payments import actions as payment_actions
from hms.clinical import signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Encounter, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.vitals import actions as vitals_actions
from hms.clinical.vitals import readings, rules
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.person import Person
from hms.formulary.models import DoseSentence, Medication
from hms.lab import actions as lab
from hms.lab.actions import enter_results
from hms.lab.models import LabOrder
from hms.patients.models import Patient
from hms.pharmacy.dispensing import actions as pharmacy
from hms.staff import request_user
from hms.staff.models import User

from .cases import CASES, Case
from .people import STAFF

ADULT_DAYS = 12 * 365
PAYMENTS = (("Cash", ""), ("Cash", ""), ("Cash", ""), ("Mobile Money", "OM-{n}"), ("Card", "TX-{n}"))


@dataclass
class Team:
    """The staff of the demo as `Person`, by username; `team.cashier` is the account "cashier"."""

    people: dict[str, Person]

    @classmethod
    def load(cls) -> Team:
        """Load the staff of the demo from the database."""
        ids = dict(
            db.session.execute(
                select(User.username, User.id).where(User.username.in_([member.username for member in STAFF]))
            ).all()
        )
        return cls({name: request_user.load_active_person(user_id) for name, user_id in ids.items()})

    def __getattr__(self, name: str) -> Person:
        return self.people[name]

    @property
    def doctors(self) -> list[Person]:
        return [self.people[member.username] for member in STAFF if member.role == "doctor"]


def book(team: Team, patient_id: int, doctor: Person, day: dt.date, time: dt.time, notes: str = "") -> int | None:
    """Book an appointment and return its id; None when the time is not free."""
    try:
        appointment = booking_actions.book(
            patient_id=patient_id, doctor_id=doctor.id, date=day, time=time, notes=notes, by=team.receptionist
        )
    except DomainError:
        return None
    return appointment.id


def check_in(team: Team, appointment_id: int, random: Random, case: Case, *, with_vitals: bool = True) -> int:
    """Check in the patient and record vitals; returns the id of the queue entry."""
    entry = transitions.check_in(appointment_id, priority=random.choice((3, 3, 3, 3, 2, 4)), by=team.receptionist)
    if with_vitals:
        record_vitals(team, entry.patient_id, entry.id, random, case)
    return entry.id


def record_vitals(team: Team, patient_id: int, entry_id: int, random: Random, case: Case) -> None:
    """Record vitals that fit the case and the age."""
    patient = db.session.get(Patient, patient_id)
    is_adult = patient.birth_date is None or (clock.today() - patient.birth_date).days > ADULT_DAYS
    values = {
        "temperature": round(random.uniform(38.2, 39.4) if case.fever else random.uniform(36.2, 37.2), 1),
        "pulse": random.randint(68, 92) + (12 if case.fever else 0),
        "respiratory_rate": random.randint(14, 18),
        "oxygen_saturation": random.randint(96, 99),
    }
    if not is_adult:
        values |= _values_of_child(readings.age_years(patient.birth_date), random)
    else:
        values["blood_pressure"] = f"{case.pressure + random.randint(-8, 8)}/{78 + (case.pressure - 120) // 3}"
        values["weight"], values["height"] = random.randint(52, 88), random.randint(152, 184)
    vitals_actions.record_vitals(patient_id, queue_entry_id=entry_id, is_confirmed=True, by=team.nurse, **values)


def _values_of_child(age: Decimal, random: Random) -> dict[str, int]:
    """Pulse and breathing rate within their usual range at the age."""
    usual = {key: rules.usual_range(key, age) for key in ("pulse", "respiratory_rate")}
    return {key: random.randint(int(band.low), int(band.high)) for key, band in usual.items()}


def consult(doctor: Person, entry_id: int, random: Random, case: Case) -> Encounter:
    """Write and sign the encounter: complaint, note, diagnosis, tests and medicines of the case."""
    encounter = encounter_actions.start_encounter(queue_entry_id=entry_id, by=doctor)
    encounter_actions.save_encounter(encounter.id, chief_complaint=case.complaint, notes=case.note, by=doctor)
    diagnosis_actions.add_condition(
        encounter.id, code=case.code, certainty=random.choice(("provisional", "confirmed")), by=doctor
    )
    for code, _results in case.tests:
        lab.order_test(encounter.id, code=code, by=doctor)
    for name in case.medicines:
        _prescribe(encounter, name, doctor)
    return signing.sign(encounter.id, override_code="checked_by_hand", by=doctor)


def _prescribe(encounter: Encounter, generic: str, doctor: Person) -> None:
    """Prescribe the first usual dose of the medicine for the patient's age, unless a safety check forbids the medicine."""
    birth_date = db.session.get(Patient, encounter.patient_id).birth_date
    is_adult = birth_date is None or (clock.today() - birth_date).days > ADULT_DAYS
    usual_dose = (
        select(DoseSentence.id)
        .join(Medication)
        .where(
            Medication.generic_name.like(f"{generic}%"),
            DoseSentence.audience.in_(("adult" if is_adult else "child", "")),
        )
        .order_by(Medication.id, DoseSentence.id)
        .limit(1)
    )
    sentence_id = db.session.scalars(usual_dose).one_or_none()
    if sentence_id is None:
        return
    try:
        prescription_actions.prescribe(encounter.id, sentence_id=sentence_id, by=doctor)
    except DomainError:
        return


def enter_lab_results(team: Team, encounter_id: int, random: Random, case: Case) -> None:
    """Enter the results of the tests of an encounter."""
    results = dict(case.tests)
    for order in db.session.scalars(select(LabOrder).filter_by(encounter_id=encounter_id)).all():
        enter_results(order.id, {order.test_code: random.choice(results[order.test_code])}, by=team.lab)


def dispense(team: Team, encounter_id: int) -> None:
    """Dispense every prescription that is in stock."""
    prescription_ids = db.session.scalars(
        select(Prescription.id).filter_by(encounter_id=encounter_id, status="active")
    ).all()
    for prescription_id in prescription_ids:
        try:
            pharmacy.dispense(prescription_id, by=team.pharmacist)
        except DomainError:
            continue


def pay_all(team: Team, patient_id: int, random: Random, number: int) -> None:
    """Issue the patient's collecting draft and pay all of it."""
    bill = _collecting_draft(patient_id)
    if bill is not None and bill.total:
        _pay(team, bill, random, number, (100,))


def _collecting_draft(patient_id: int) -> Bill | None:
    query = select(Bill).filter_by(patient_id=patient_id, status="draft", collects=True)
    return db.session.scalars(query).one_or_none()


def settle_bill(team: Team, patient_id: int, random: Random, number: int) -> None:
    """Issue the patient's collecting draft: most are paid, some in two parts, some partly, some not, a few are voided."""
    bill = _collecting_draft(patient_id)
    if bill is None or not bill.total:
        return
    outcomes: list[Callable[[], object]] = [
        lambda: _pay(team, bill, random, number, (100,)),
        lambda: _pay(team, bill, random, number, (100,)),
        lambda: _pay(team, bill, random, number, (60, 40)),
        lambda: _pay(team, bill, random, number, (50,)),
        lambda: issuing.issue(bill.id, by=team.cashier),
        lambda: _void(team, bill),
    ]
    random.choices(outcomes, weights=(50, 20, 12, 8, 7, 3))[0]()


def _pay(team: Team, bill: Bill, random: Random, number: int, shares: tuple[int, ...]) -> None:
    """Issue the bill and pay `shares` of it, in percent of the total. The last share of a full payment is all that is left."""
    issuing.issue(bill.id, by=team.cashier)
    for share in shares:
        bill = db.session.get(Bill, bill.id, populate_existing=True)
        left = bill.total - bill.paid
        is_last = sum(shares) == 100 and share == shares[-1]
        amount = left if is_last else bill.total.percent(share)
        method, reference = random.choice(PAYMENTS)
        payment_actions.take_payment(bill.id, amount, method, reference.format(n=10_000 + number), by=team.cashier)


def _void(team: Team, bill: Bill) -> None:
    issuing.issue(bill.id, by=team.cashier)
    correction = correction_actions.request_void(bill.id, reason="Made for the wrong visit", by=team.cashier)
    correction_actions.approve(correction.id, by=team.admin)


def make_visit(team: Team, patient_id: int, doctor: Person, when: dt.datetime, random: Random, number: int) -> None:
    """Create one past visit that began at `when` (UTC). The clock is set to the time of each step."""
    birth_date = db.session.get(Patient, patient_id).birth_date
    is_child = birth_date is not None and (when.date() - birth_date).days <= ADULT_DAYS
    case = random.choice([case for case in CASES if case.for_children or not is_child])
    local = clock.local(when)
    with clock.frozen_at(when - timedelta(hours=random.randint(2, 60))):
        appointment_id = book(team, patient_id, doctor, local.date(), local.time(), case.complaint)
    if appointment_id is None:
        return
    if random.random() < 0.05:
        with clock.frozen_at(when + timedelta(hours=1)):
            transitions.change_appointment_status(appointment_id, "no_show", by=team.receptionist)
        return
    _attended_visit(team, appointment_id, patient_id, doctor, when, random, case, number)


def _attended_visit(team, appointment_id, patient_id, doctor, when, random, case, number) -> None:
    with clock.frozen_at(when):
        entry_id = check_in(team, appointment_id, random, case)
    with clock.frozen_at(when + timedelta(minutes=random.randint(10, 50))):
        encounter = consult(doctor, entry_id, random, case)
    with clock.frozen_at(when + timedelta(minutes=65)):
        enter_lab_results(team, encounter.id, random, case)
    with clock.frozen_at(when + timedelta(minutes=70)):
        if random.random() < 0.95:
            dispense(team, encounter.id)
        settle_bill(team, patient_id, random, number)
