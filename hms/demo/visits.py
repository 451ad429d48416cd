"""Visits as people make them: booked, arrived, measured, seen, signed, dispensed, billed, paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
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
METHODS = (("Cash", ""), ("Cash", ""), ("Cash", ""), ("Mobile Money", "OM-{n}"), ("Card", "TX-{n}"))


@dataclass
class Team:
    """The demo's staff as persons who act, by account name."""

    people: dict[str, Person]

    @classmethod
    def gathered(cls) -> Team:
        """Everybody of the demo, loaded from the database."""
        ids = dict(
            db.session.execute(
                select(User.username, User.id).where(User.username.in_([one.username for one in STAFF]))
            ).all()
        )
        return cls({name: request_user.load_active_person(user_id) for name, user_id in ids.items()})

    def __getattr__(self, name: str) -> Person:
        return self.people[name]

    @property
    def doctors(self) -> list[Person]:
        return [self.people[one.username] for one in STAFF if one.role == "doctor"]


def book(team: Team, patient_id: int, doctor: Person, day: dt.date, time: dt.time, notes: str = "") -> int | None:
    """Book; None when the doctor or the patient is taken then."""
    try:
        booked = booking_actions.book(
            patient_id=patient_id, doctor_id=doctor.id, date=day, time=time, notes=notes, by=team.receptionist
        )
    except DomainError:
        return None
    return booked.id


def arrive(team: Team, appointment_id: int, random: Random, case: Case, *, measured: bool = True) -> int:
    """Check in, and let the nurse take the vital signs; returns the id of the place in the queue."""
    entry = transitions.check_in(appointment_id, priority=random.choice((3, 3, 3, 3, 2, 4)), by=team.receptionist)
    if measured:
        measure(team, entry.patient_id, entry.id, random, case)
    return entry.id


def measure(team: Team, patient_id: int, entry_id: int, random: Random, case: Case) -> None:
    """Vital signs that fit the complaint and the age."""
    patient = db.session.get(Patient, patient_id)
    is_adult = patient.birth_date is None or (clock.today() - patient.birth_date).days > ADULT_DAYS
    values = {
        "temperature": round(random.uniform(38.2, 39.4) if case.fever else random.uniform(36.2, 37.2), 1),
        "pulse": random.randint(68, 92) + (12 if case.fever else 0),
        "respiratory_rate": random.randint(14, 18),
        "oxygen_saturation": random.randint(96, 99),
    }
    if is_adult:
        values["blood_pressure"] = f"{case.pressure + random.randint(-8, 8)}/{78 + (case.pressure - 120) // 3}"
        values["weight"], values["height"] = random.randint(52, 88), random.randint(152, 184)
    vitals_actions.record_vitals(patient_id, queue_entry_id=entry_id, is_confirmed=True, by=team.nurse, **values)


def see(doctor: Person, entry_id: int, random: Random, case: Case) -> Encounter:
    """The consultation, from the call to the signature."""
    encounter = encounter_actions.start_encounter(queue_entry_id=entry_id, by=doctor)
    encounter_actions.save_encounter(encounter.id, chief_complaint=case.complaint, notes=case.note, by=doctor)
    diagnosis_actions.add_condition(
        encounter.id, code=case.code, certainty=random.choice(("provisional", "confirmed")), by=doctor
    )
    for code, _answers in case.tests:
        lab.order_test(encounter.id, code=code, by=doctor)
    for name in case.medicines:
        _prescribe(encounter, name, doctor)
    return signing.sign(encounter.id, by=doctor)


def _prescribe(encounter: Encounter, generic: str, doctor: Person) -> None:
    """The first usual dose of the medicine for the patient's age; a medicine that the patient must not have is left out."""
    born = db.session.get(Patient, encounter.patient_id).birth_date
    is_adult = born is None or (clock.today() - born).days > ADULT_DAYS
    usual = (
        select(DoseSentence.id)
        .join(Medication)
        .where(
            Medication.generic_name.like(f"{generic}%"),
            DoseSentence.audience.in_(("adult" if is_adult else "child", "")),
        )
        .order_by(Medication.id, DoseSentence.id)
        .limit(1)
    )
    sentence_id = db.session.scalars(usual).one_or_none()
    if sentence_id is None:
        return
    try:
        prescription_actions.prescribe(encounter.id, sentence_id=sentence_id, by=doctor)
    except DomainError:
        return


def examine(team: Team, encounter_id: int, random: Random, case: Case) -> None:
    """The laboratory's answers to what was ordered."""
    answers = dict(case.tests)
    for order in db.session.scalars(select(LabOrder).filter_by(encounter_id=encounter_id)).all():
        enter_results(order.id, {order.test_code: random.choice(answers[order.test_code])}, by=team.lab)


def dispense(team: Team, encounter_id: int) -> None:
    """Hand over every line that is in stock."""
    lines = db.session.scalars(select(Prescription.id).filter_by(encounter_id=encounter_id, status="active")).all()
    for line in lines:
        try:
            pharmacy.dispense(line, by=team.pharmacist)
        except DomainError:
            continue


def pay_all(team: Team, patient_id: int, random: Random, number: int) -> None:
    """Issue the patient's running bill and pay all of it."""
    bill = _running(patient_id)
    if bill is not None and bill.total:
        _pay(team, bill, random, number, (100,))


def _running(patient_id: int) -> Bill | None:
    query = select(Bill).filter_by(patient_id=patient_id, status="draft", collects=True)
    return db.session.scalars(query).one_or_none()


def settle(team: Team, patient_id: int, random: Random, number: int) -> None:
    """What happens to the bill: most are paid, some in two parts, some partly, some not yet, a few are void."""
    bill = _running(patient_id)
    if bill is None or not bill.total:
        return
    ways: list[Callable[[], object]] = [
        lambda: _pay(team, bill, random, number, (100,)),
        lambda: _pay(team, bill, random, number, (100,)),
        lambda: _pay(team, bill, random, number, (60, 40)),
        lambda: _pay(team, bill, random, number, (50,)),
        lambda: issuing.issue(bill.id, by=team.cashier),
        lambda: _void(team, bill),
    ]
    random.choices(ways, weights=(50, 20, 12, 8, 7, 3))[0]()


def _pay(team: Team, bill: Bill, random: Random, number: int, shares: tuple[int, ...]) -> None:
    """Pay the shares in hundredths of the total; the last share of a full payment takes what is left."""
    issuing.issue(bill.id, by=team.cashier)
    for share in shares:
        bill = db.session.get(Bill, bill.id, populate_existing=True)
        left = bill.total - bill.paid
        is_last = sum(shares) == 100 and share == shares[-1]
        amount = left if is_last else bill.total.percent(share)
        method, reference = random.choice(METHODS)
        payment_actions.take_payment(bill.id, amount, method, reference.format(n=10_000 + number), by=team.cashier)


def _void(team: Team, bill: Bill) -> None:
    issuing.issue(bill.id, by=team.cashier)
    asked = correction_actions.propose_void(bill.id, reason="Made for the wrong visit", by=team.cashier)
    correction_actions.approve(asked.id, by=team.admin)


def whole_visit(team: Team, patient_id: int, doctor: Person, when: dt.datetime, random: Random, number: int) -> None:
    """One past visit that began at the instant `when`, with the clock standing at each of its steps."""
    born = db.session.get(Patient, patient_id).birth_date
    is_child = born is not None and (when.date() - born).days <= ADULT_DAYS
    case = random.choice([one for one in CASES if one.for_children or not is_child])
    wall = clock.local(when)
    with clock.frozen_at(when - timedelta(hours=random.randint(2, 60))):
        appointment_id = book(team, patient_id, doctor, wall.date(), wall.time(), case.complaint)
    if appointment_id is None:
        return
    if random.random() < 0.05:
        with clock.frozen_at(when + timedelta(hours=1)):
            transitions.change_appointment_status(appointment_id, "no_show", by=team.receptionist)
        return
    _seen(team, appointment_id, patient_id, doctor, when, random, case, number)


def _seen(team, appointment_id, patient_id, doctor, when, random, case, number) -> None:
    with clock.frozen_at(when):
        entry_id = arrive(team, appointment_id, random, case)
    with clock.frozen_at(when + timedelta(minutes=random.randint(10, 50))):
        encounter = see(doctor, entry_id, random, case)
    with clock.frozen_at(when + timedelta(minutes=65)):
        examine(team, encounter.id, random, case)
    with clock.frozen_at(when + timedelta(minutes=70)):
        if random.random() < 0.95:
            dispense(team, encounter.id)
        settle(team, patient_id, random, number)
