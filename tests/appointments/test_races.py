"""Simultaneous bookings, calls and check-ins, with real connections and commits."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import func, select

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment, QueueEntry
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.models import User
from tests.appointments import factories
from tests.appointments.factories import MONDAY

pytestmark = pytest.mark.security("N")

TEN = dt.time(10)


def _person(username):
    return request_user.load_active_person(db.session.scalars(select(User.id).filter_by(username=username)).one())


def test_only_one_of_fifty_simultaneous_bookings_gets_the_slot(in_parallel):
    doctor_id = factories.doctor().id
    factories.hours(doctor_id)
    patients = [factories.patient(f"Given{number}").id for number in range(50)]
    by = _person("receptionist")

    def booking(patient_id):
        return lambda: booking_actions.book(patient_id=patient_id, doctor_id=doctor_id, date=MONDAY, time=TEN, by=by).id

    results = in_parallel([booking(patient_id) for patient_id in patients])
    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 49
    assert {refusal.code for refusal in refused} == {"doctor_booked"}
    assert {refusal.alternative for refusal in refused} == {(MONDAY, dt.time(10, 15))}
    assert db.session.scalar(select(func.count()).select_from(Appointment)) == 1


def test_fifty_at_once_on_three_places_with_one_overbooking_give_three_and_one(in_parallel):
    doctor_id = factories.doctor().id
    factories.hours(doctor_id, capacity=3, overbooking=1)
    patients = [factories.patient(f"Given{number}").id for number in range(50)]
    by = _person("receptionist")

    def booking(patient_id, **more):
        what = {"doctor_id": doctor_id, "date": MONDAY, "time": TEN} | more
        return lambda: booking_actions.book(patient_id=patient_id, **what, by=by).id

    results = in_parallel([booking(patient_id) for patient_id in patients[:40]])
    refused = [result for result in results if isinstance(result, Conflict)]
    assert {refusal.code for refusal in refused} == {"doctor_booked"}
    assert len(refused) == 37
    results = in_parallel([booking(patient_id, is_overbooked=True) for patient_id in patients[40:]])
    assert len([result for result in results if isinstance(result, Conflict)]) == 9
    rows = db.session.execute(select(Appointment.place, Appointment.is_overbooked).order_by(Appointment.place)).all()
    assert [tuple(row) for row in rows] == [(1, False), (2, False), (3, False), (4, True)]


def test_a_patient_booked_with_many_doctors_at_once_gets_one_booking(in_parallel):
    doctors = [factories.doctor(f"dr.{number}", last_name=f"Name{number}").id for number in range(8)]
    patient_id, by = factories.patient().id, _person("receptionist")

    def booking(doctor_id):
        return lambda: booking_actions.book(patient_id=patient_id, doctor_id=doctor_id, date=MONDAY, time=TEN, by=by).id

    results = in_parallel([booking(doctor_id) for doctor_id in doctors])
    assert sorted(getattr(result, "code", "booked") for result in results) == ["booked"] + ["patient_booked"] * 7


def test_simultaneous_calls_get_different_patients(in_parallel):
    entries = {factories.waiting(factories.patient(f"Given{number}").id).id for number in range(12)}
    nurse, doctor = _person("nurse"), _person("doctor")
    called = in_parallel([lambda by=by: queue_actions.call_next(by=by).id for by in (nurse, doctor) * 6])
    assert len(called) == 12
    assert set(called) == entries


def test_tokens_of_a_day_have_no_repeats_and_no_gaps(in_parallel):
    patients = [factories.patient(f"Given{number}").id for number in range(30)]
    by = _person("receptionist")
    tokens = in_parallel(
        [lambda patient_id=patient_id: transitions.add_to_queue(patient_id, by=by).token for patient_id in patients]
    )
    assert sorted(tokens) == list(range(1, 31))


def test_a_patient_checked_in_at_two_desks_at_once_has_one_entry(in_parallel):
    doctor_id, patient_id = factories.doctor().id, factories.patient().id
    booked = booking_actions.book(
        patient_id=patient_id, doctor_id=doctor_id, date=clock.today(), time=TEN, by=SYSTEM
    ).id
    by = _person("receptionist")
    tasks = [
        lambda: transitions.check_in(booked, by=by).token,
        lambda: transitions.add_to_queue(patient_id, by=by).token,
    ] * 4
    results = in_parallel(tasks)
    assert [result for result in results if not isinstance(result, Conflict)] == [1]
    assert db.session.scalar(select(func.count()).select_from(QueueEntry)) == 1
