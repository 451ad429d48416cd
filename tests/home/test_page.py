"""The home page shows each role its own work."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from hms.appointments.models import Absence, Appointment, QueueEntry
from hms.billing.bills import actions as bills
from hms.billing.prices import actions, queries
from hms.core import clock
from hms.core.actions import action_context
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.lab.actions import order_test
from hms.patients.models import Patient
from tests.clinical.factories import a_patient as a_sick_patient
from tests.clinical.factories import an_encounter
from tests.page import words
from tests.pharmacy import factories as pharmacy


@pytest.fixture
def waiting(db):
    """One patient in today's queue."""
    with action_context("tests.seed", SYSTEM):
        patient = Patient(hospital_number="HMS-1", number=1, given_names="Isatu", family_name="Jalloh", sex="female")
        db.session.add(patient)
        db.session.flush()
        entry = {"service_date": clock.today(), "token": 18, "patient_id": patient.id, "arrived_at": clock.now()}
        db.session.add(QueueEntry(**entry))


@pytest.mark.parametrize("role", ["admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab", "norole"])
def test_everybody_has_a_home(desk, role):
    assert desk(role).get("/").status_code == 200
    assert desk(role).get("/home/rows").status_code == 200


def test_patients_are_offered_nothing_that_is_refused(desk):
    home = desk("patient").get("/").get_data(as_text=True)
    assert 'data-ux="find"' not in home
    assert "Ask at the reception" in home
    refused = desk("patient").get("/patients/").get_data(as_text=True)
    assert "This page is for staff." in refused
    assert "another role" not in refused


def test_the_doctor_sees_who_waits_and_the_cashier_does_not(desk, waiting):
    assert "JALLOH, Isatu" in words(desk("doctor").get("/").get_data(as_text=True))
    assert "JALLOH" not in words(desk("cashier").get("/").get_data(as_text=True))


@pytest.fixture
def expected(db, person):
    """Twenty-seven patients who are booked from nine o'clock, and a doctor who is away three times: over, at noon, tomorrow."""
    noon, doctor_id = clock.at(clock.today(), dt.time(12)), person("doctor").id
    with action_context("tests.seed", SYSTEM):
        for hours in (-9, 0, 30):
            away = {"starts": noon + dt.timedelta(hours=hours), "ends": noon + dt.timedelta(hours=hours + 2)}
            db.session.add(Absence(doctor_id=doctor_id, reason=f"Ward {hours}", **away))
        for number in range(27):
            patient = Patient(hospital_number=f"HMS-{number}", number=number, given_names=f"G{number}", sex="female")
            db.session.add(patient)
            db.session.flush()
            time = dt.time(9 + number // 4, 15 * (number % 4))
            of = {"patient_id": patient.id, "doctor_id": doctor_id, "date": clock.today(), "time": time, "notes": ""}
            db.session.add(Appointment(**of))


def test_reception_sees_late_patients_first_and_reaches_all_and_who_is_away(desk, expected):
    with clock.frozen_at(clock.at(clock.today(), dt.time(10, 30))):
        reception = desk("receptionist")
        page = reception.get("/").get_data(as_text=True)
        second, beyond = (
            words(reception.get(at).get_data(as_text=True)) for at in ("/home/rows?page=2", "/?page=9999999")
        )
    shown = words(page)
    assert "09:00 late 1hr 30min" in shown
    assert (shown.count(" late "), "5 Late arrivals" in shown, "Check in 27" in shown) == (5, True, True)
    assert 'href="/appointments/?view=list&amp;show=expected"' in page
    assert 'href="/?page=2"' in page
    assert ("15:00" in second, "15:30" in second, "Page 2 of 2" in second) == (False, True, True)
    assert "Page 1 of 2" in beyond
    assert "14:00 8" in shown, "away at noon, with the eight who are booked in these two hours"
    assert ("Ward 0" in page, "Ward 30" in page, "Ward -9" in page) == (True, False, False)


@pytest.mark.security("D")
def test_only_roles_that_work_with_money_see_the_amount_received(desk):
    seen = {
        role: "Received today" in desk(role).get("/").get_data(as_text=True) for role in ("admin", "cashier", "nurse")
    }
    assert seen == {"admin": True, "cashier": True, "nurse": False}


def test_administrators_see_an_incomplete_price_list(desk, person):
    admin = desk("admin")
    assert "Item CONS-OPD is missing" in words(admin.get("/").get_data(as_text=True))
    assert "CONS-OPD" not in words(desk("cashier").get("/").get_data(as_text=True))
    assert admin.form("/", 0).status_code == 303
    left = actions.load_starter_list(by=SYSTEM)
    page = words(admin.get("/").get_data(as_text=True))
    items = queries.search_items("", limit=99)
    assert left == 0
    assert f"{len(items)} items have no price" in page
    assert "no price yet" in admin.get("/billing/prices").get_data(as_text=True)
    for item in items:
        actions.save_price(item.id, code=item.code, name=item.name, unit_price=Money("5.00"), by=person("admin"))
    assert "price list" not in words(admin.get("/").get_data(as_text=True))


def test_the_laboratory_sees_what_waits(desk, db, person):
    order_test(an_encounter(person("doctor"), a_sick_patient()).id, code="HB", is_urgent=True, by=person("doctor"))
    shown = words(desk("lab").get("/").get_data(as_text=True))
    assert "1 Tests to do 1 Urgent tests 0 Tests done today" in shown
    assert "No work list" not in shown


def test_a_draft_on_the_home_page_names_the_patient(desk, db, person):
    encounter = an_encounter(person("doctor"), a_sick_patient())
    doctor = desk("doctor")
    page = doctor.get(f"/encounters/{encounter.id}").get_data(as_text=True)
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    doctor.post(f"/encounters/{encounter.id}/draft", json={"notes": "Cough"}, headers={"X-CSRFToken": token[1]})
    assert "Unfinished encounter of KAMARA, Kadiatu" in words(doctor.get("/").get_data(as_text=True))


def test_pharmacist_cashier_and_laboratory_see_their_work(desk, db, person):
    doctor, cashier = person("doctor"), person("cashier")
    patient = pharmacy.patient("Isatu", "Conteh")
    pharmacy.prescription(pharmacy.medicine("zinc sulfate"), pharmacy.encounter(patient))
    bill = bills.create_bill(patient.id, by=cashier)
    bills.add_line(bill.id, item="Dressing", unit_price=Money("5.00"), by=person("admin"))
    order_test(an_encounter(doctor, a_sick_patient()).id, code="HB", is_urgent=True, by=doctor)
    for role, mark, row in (
        ("pharmacist", "home-prescriptions", "CONTEH, Isatu"),
        ("cashier", "home-bills", "SLE 5.00"),
        ("lab", "home-tests", "Haemoglobin Urgent"),
    ):
        page = desk(role).get("/").get_data(as_text=True)
        assert row in words(page.split(mark, 1)[1]).replace("\u00a0", " ")
    for role in ("nurse", "admin"):
        assert "home-bills" not in desk(role).get("/").get_data(as_text=True)
