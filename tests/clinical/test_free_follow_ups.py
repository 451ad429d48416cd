"""A follow-up within the days and visits of the settings is not charged again; pages, API and a race."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.visit_types import actions as visit_types
from hms.billing.follow_ups import queries as follow_ups
from hms.billing.models import Bill, BillLine
from hms.billing.payments import actions as payments
from hms.clinical import signing, withdrawal
from hms.clinical.diagnoses import actions as diagnoses
from hms.clinical.encounters import actions as encounters
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff import request_user
from hms.staff.models import User
from tests.billing.factories import price
from tests.clinical.factories import a_patient, an_encounter, signed

TEN, DAY = dt.time(10), dt.timedelta(days=1)


@pytest.fixture
def window(db):
    """Follow-ups are free for 14 days, once."""
    price()
    for name, value in (("follow_up_days", 14), ("follow_up_visits", 1)):
        settings.change_setting(f"billing.{name}", value, by=SYSTEM)
    settings.clear_cache()


@pytest.fixture
def follow_up(person, window):
    values = {"name": "Follow-up", "mark": "F", "colour": "teal", "minutes": 10, "is_follow_up": True}
    return visit_types.save_visit_type(**values, by=person("admin"))


def _person(username):
    return request_user.load_active_person(database.session.scalars(select(User.id).filter_by(username=username)).one())


def _line(encounter) -> BillLine | None:
    lines = select(BillLine).filter_by(source="encounter", source_id=encounter.id, withdrawn_at=None)
    return database.session.scalars(lines.execution_options(populate_existing=True)).one_or_none()


def _pay(encounter) -> None:
    bill = database.session.get_one(Bill, _line(encounter).bill_id)
    payments.take_payment(bill.id, bill.total, "Cash", by=SYSTEM)


def _visit(patient, doctor, visit_type, day=None, time=TEN):
    """An encounter of a booking of this type, ready to be signed."""
    when = {"date": day or clock.today(), "time": time, "visit_type_id": visit_type and visit_type.id}
    booking = bookings.book(patient_id=patient.id, doctor_id=doctor.id, **when, by=SYSTEM)
    encounter = encounters.start_encounter(patient_id=patient.id, appointment_id=booking.id, is_new=True, by=doctor)
    encounters.save_encounter(encounter.id, notes="Better.", by=doctor)
    diagnoses.add_condition(encounter.id, text="Fever", by=doctor)
    return encounter


def test_a_follow_up_is_free_once_within_the_days_after_the_payment(person, follow_up):
    doctor, patient = person("doctor"), a_patient()
    unpaid = _visit(a_patient(given_names="Isatu"), doctor, follow_up)
    signing.sign(unpaid.id, by=doctor)
    assert _line(unpaid).amount == Money("150.00"), "nothing was paid before"
    first = signed(doctor, patient)
    _pay(first)
    assert (follow_ups.find_free_window(patient.id).until - clock.today()).days == 14
    other = _visit(patient, doctor, None, time=dt.time(14))
    signing.sign(other.id, by=doctor)
    assert _line(other).amount == Money("150.00"), "this visit is no follow-up"
    free = _visit(patient, doctor, follow_up, time=dt.time(15))
    signing.sign(free.id, by=doctor)
    line = _line(free)
    assert (line.amount, line.free_of_line_id) == (Money("0.00"), _line(first).id)
    assert line.description == "Consultation OPD (free follow-up)"
    assert database.session.get_one(Bill, line.bill_id).total == Money("150.00")
    second = _visit(patient, doctor, follow_up, time=dt.time(16))
    signing.sign(second.id, by=doctor)
    assert _line(second).amount == Money("150.00"), "one visit was free"
    withdrawal.withdraw_encounter(free.id, by=person("admin"))
    assert follow_ups.find_free_window(patient.id).left == 1, "a visit that never was gives its place back"
    withdrawal.restore_encounter(free.id, by=person("admin"))
    assert (_line(free).amount, _line(free).free_of_line_id) == (Money("0.00"), _line(first).id)
    assert follow_ups.find_free_window(patient.id) is None


def test_the_window_ends_after_its_days_and_without_the_setting(person, follow_up):
    doctor, patient = person("doctor"), a_patient()
    first = signed(doctor, patient)
    _pay(first)
    last = clock.at(clock.today() + 14 * DAY, dt.time(9))
    with clock.frozen_at(last):
        assert follow_ups.find_free_window(patient.id).until == clock.today()
    with clock.frozen_at(last + DAY):
        assert follow_ups.find_free_window(patient.id) is None
        late = _visit(patient, doctor, follow_up)
        signing.sign(late.id, by=doctor)
        assert _line(late).amount == Money("150.00")
    settings.change_setting("billing.follow_up_days", 0, by=SYSTEM)
    settings.clear_cache()
    assert follow_ups.find_free_window(patient.id) is None


def test_the_last_free_visit_is_given_once(in_parallel):
    price()
    settings.change_setting("billing.follow_up_days", 14, by=SYSTEM)
    settings.clear_cache()
    doctor, admin = _person("doctor"), _person("admin")
    values = {"name": "Follow-up", "mark": "F", "colour": "teal", "minutes": 10, "is_follow_up": True}
    visit_type, patient = visit_types.save_visit_type(**values, by=admin), a_patient()
    _pay(signed(doctor, patient))
    visits = [_visit(patient, doctor, visit_type, time=dt.time(hour)).id for hour in (10, 11, 12)]
    results = in_parallel([lambda visit=visit: signing.sign(visit, by=doctor).id for visit in visits])
    assert sorted(map(str, results)) == sorted(map(str, visits))
    amounts = database.session.scalars(select(BillLine.amount).where(BillLine.source_id.in_(visits))).all()
    assert sorted(amount.value for amount in amounts) == [0, 150, 150]


def test_the_appointment_and_the_api_say_it(desk, program, person, follow_up):
    doctor, patient = person("doctor"), a_patient()
    booking = bookings.book(
        patient_id=patient.id,
        doctor_id=doctor.id,
        date=clock.today() + DAY,
        time=TEN,
        visit_type_id=follow_up.id,
        by=SYSTEM,
    )
    page = f"/appointments/{booking.id}"
    assert "Is charged" in desk("receptionist").get(page).get_data(as_text=True)
    first = an_encounter(doctor, patient, notes="Fever")
    diagnoses.add_condition(first.id, text="Fever", by=doctor)
    signing.sign(first.id, by=doctor)
    _pay(first)
    assert "Free follow-up: paid on" in desk("receptionist").get(page).get_data(as_text=True)
    api = program("admin")
    assert api.get(f"/api/visit-types/{follow_up.id}/").json["is_follow_up"] is True
    changed = api.put(f"/api/visit-types/{follow_up.id}/", json={"name": "Review"}).json
    assert (changed["name"], changed["is_follow_up"]) == ("Review", True)
    assert api.put(f"/api/visit-types/{follow_up.id}/", json={"is_follow_up": False}).json["is_follow_up"] is False
    assert api.put(f"/api/visit-types/{follow_up.id}/", json={"is_follow_up": "x"}).status_code == 400
