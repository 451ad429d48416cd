"""A patient with names of the maximum length and records at every desk."""

from __future__ import annotations

import datetime as dt
from random import Random

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hms.appointments.holidays import actions as holiday_actions
from hms.appointments.queue import transitions as appointments
from hms.appointments.visit_types import actions as visit_type_actions
from hms.billing.bills import actions as bill_actions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Bill
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.issued_documents.actions import issue_document
from hms.clinical.vitals import actions as vitals_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM, Person
from hms.demo import visits
from hms.demo.cases import CASES
from hms.messages.actions import notify
from hms.patients.access import actions as access_actions
from hms.patients.merging import actions as merge_actions
from hms.patients.models import DuplicatePair
from hms.patients.registration import actions as patients
from hms.staff.models import Role
from hms.staff.role_requests import actions as role_request_actions
from tests.escalations.factories import VERY_ILL

GIVEN = "Adolphblainecharlesdavidearlfrederickgeraldhubertirvinjohnken"
FAMILY = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewis"
CASE = next(case for case in CASES if len(case.medicines) > 1)


def comes() -> int:
    """Register the patient, with two visits, a part payment, a refund request and a booking. Returns the id."""
    team, random = visits.Team.load(), Random(1)
    _somebody_is_closed(
        team, random
    )  # before the others: pages are opened on the newest records, as anybody opens them
    patient_id = patients.register_patient(
        given_names=GIVEN,
        family_name=FAMILY,
        sex="female",
        birth_date=dt.date(1980, 2, 3),
        phone="076 555 999",
        allergies=["sulfonamides", "hexamethylenetetramineisothiocyanatomethane"],
        by=team.receptionist,
    ).id
    _was_seen(team, patient_id, random, team.doctor)
    _pays(team, patient_id)
    visits.book(team, patient_id, team.doctor, clock.today() + dt.timedelta(days=1), dt.time(17), CASE.complaint)
    _is_seen(team, patient_id, random)
    notify(
        team.doctor.id, title="A result is back", message="Hexamethylenetetramineisothiocyanatomethane", by=team.admin
    )
    nurse = database.session.scalars(select(Role.id).filter_by(code="nurse")).one()
    role_request_actions.request_role(requested_role_id=nurse, reason="I work on the ward from Monday", by=team.lab)
    _is_registered_twice(team, patient_id)
    vitals_actions.record_vitals(patient_id, is_confirmed=True, by=team.nurse, **VERY_ILL)
    visit_type_actions.save_visit_type(name=FAMILY[:40], mark="W", colour="green", minutes=20, by=team.admin)
    holiday_actions.add_holiday(date=clock.today() + dt.timedelta(days=20), name=FAMILY, by=team.admin)
    database.session.remove()
    return patient_id


def _is_registered_twice(team: visits.Team, patient_id: int) -> None:
    """Another record of the patient, which is listed as a suspected duplicate; and a request to merge two other records."""
    twin, others = [], []
    for found, sex, family_name in ((twin, "female", FAMILY), (others, "male", "Bah"), (others, "male", "Bah")):
        who = {"given_names": GIVEN, "family_name": family_name, "sex": sex, "birth_date": dt.date(1980, 2, 3)}
        found.append(patients.register_patient(**who, by=team.receptionist).id)
    first_id, second_id = sorted((patient_id, twin[0]))
    with action_context("tests.seed", SYSTEM):
        pair = insert(DuplicatePair).values(first_id=first_id, second_id=second_id, percent=95)
        database.session.execute(pair.on_conflict_do_nothing())  # the clock of the hospital may have found them by now
    merge_actions.request_merge(*others, reason="Registered twice", by=team.receptionist)


def _somebody_is_closed(team: visits.Team, random: Random) -> None:
    """A restricted record of a patient of another doctor; a third doctor opened it with a reason."""
    her_neighbour = patients.register_patient(
        given_names="Adama", family_name="Closed", sex="male", by=team.receptionist
    )
    _was_seen(team, her_neighbour.id, random, team.doctor2)
    access_actions.restrict(her_neighbour.id, reason="Works in this hospital", by=team.doctor2)
    access_actions.break_glass(her_neighbour.id, reason="Came in unconscious at night", by=team.doctors[-1])


def _arrives(team: visits.Team, patient_id: int, random: Random, doctor: Person) -> int:
    entry = appointments.add_to_queue(patient_id, doctor_id=doctor.id, by=team.receptionist)
    visits.record_vitals(team, patient_id, entry.id, random, CASE)
    return entry.id


def _was_seen(team: visits.Team, patient_id: int, random: Random, doctor: Person) -> None:
    encounter = visits.consult(doctor, _arrives(team, patient_id, random, doctor), random, CASE)
    visits.dispense(team, encounter.id)
    issue_document(encounter.id, kind="sick_note", from_on="t", until_on="+3d", shows_diagnosis=True, by=doctor)
    letter = {"kind": "referral_letter", "addressee": f"{GIVEN} {FAMILY}", "body": CASE.note}
    issue_document(encounter.id, **letter, by=doctor)


def _pays(team: visits.Team, patient_id: int) -> None:
    """Pay a part of the first bill, and request a refund after the till is closed."""
    bill = database.session.query(Bill).filter_by(patient_id=patient_id).one()
    issuing.issue(bill.id, by=team.cashier)
    payment = payment_actions.take_payment(bill.id, Money("1.50"), "Cash", "", by=team.cashier)
    till_actions.count_till({}, Money("0"), by=team.cashier)
    till_actions.close_till("The drawer was not counted", by=team.cashier)
    correction_actions.request_refund(payment.id, reason="Paid by her insurance", by=team.cashier)


def _is_seen(team: visits.Team, patient_id: int, random: Random) -> None:
    entry_id = _arrives(team, patient_id, random, team.doctor)
    encounter = encounter_actions.start_encounter(queue_entry_id=entry_id, by=team.doctor)
    encounter_actions.save_encounter(encounter.id, chief_complaint=CASE.complaint, notes=CASE.note, by=team.doctor)
    diagnosis_actions.add_condition(encounter.id, code=CASE.code, by=team.doctor)
    dressing = [{"description": "Dressing", "unit_price": Money("12.50")}]
    bill_actions.create_bill(patient_id, items=dressing, by=team.cashier)
