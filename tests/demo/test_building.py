"""The demo hospital has data of today and the past, its accounts agree, and it is created once."""

from __future__ import annotations

import pytest
from flask_migrate import upgrade
from sqlalchemy import func, select

from hms.appointments.models import Appointment, AppointmentSeries, PointEntry, QueueEntry
from hms.billing.models import Bill, CashShift, Correction
from hms.clinical.models import Encounter, Prescription
from hms.core import clock
from hms.core.db.session import db
from hms.demo import build, people
from hms.patients.models import Consent, OtherPhone, Patient, RecordDocument, Relative
from hms.reports import reconciliation
from hms.staff.models import User
from tests import servers
from tests.apps import app_beside
from tests.conftest import _worker_number, config_for


@pytest.fixture(scope="module")
def demo():
    """A small demo: sixty patients, one week."""
    name = f"hms_demo_{_worker_number()}"
    app = app_beside(config_for(servers.create_database(name), 50, demo=True))
    with app.app_context():
        upgrade()
        assert build.build(lambda _step: None, patients=60, weeks=1)
        assert build.bring_to_today(lambda _step: None)
        yield app
        db.session.remove()
        db.engine.dispose()
    servers.drop_database(name)


def _count(model, *where) -> int:
    return db.session.execute(select(func.count()).select_from(model).where(*where)).scalar_one()


def test_every_promised_account_exists(demo):
    promised = {"admin", "doctor", "doctor2", "nurse", "receptionist", "pharmacist", "cashier", "lab"}
    assert promised <= set(db.session.scalars(select(User.username)))
    assert len([member for member in people.STAFF if member.role == "doctor"]) == 8


def test_today_has_bookings_a_queue_and_prescriptions_waiting(demo):
    today = clock.today()
    assert _count(Appointment, Appointment.date == today, Appointment.status == "scheduled") >= 5
    assert _count(QueueEntry, QueueEntry.service_date == today, QueueEntry.status == "waiting") >= 5
    assert _count(Prescription, Prescription.status == "active") >= 3


def test_encounters_of_past_days_are_signed_on_past_days(demo):
    start, _end = clock.day_bounds(clock.today())
    assert _count(Encounter, Encounter.status == "signed", Encounter.signed_at < start) >= 10


def test_names_include_accents_single_names_and_very_long_ones(demo):
    names = db.session.execute(select(Patient.given_names, Patient.family_name)).all()
    assert any(not family_name for _given_names, family_name in names)
    assert any(len(given_names + family_name) > 50 for given_names, family_name in names)
    assert any(not (given_names + family_name).isascii() for given_names, family_name in names)


def test_pages_of_the_front_desk_have_something_to_show(demo):
    assert all(_count(model) >= 2 for model in (AppointmentSeries, RecordDocument, Relative, OtherPhone, PointEntry))
    assert {"given", "refused", "withdrawn"} == set(db.session.scalars(select(Consent.status)))
    doctor_id = db.session.scalars(select(User.id).filter_by(username="doctor")).one()
    called = QueueEntry.called_at.is_not(None)
    assert _count(QueueEntry, QueueEntry.doctor_id == doctor_id, called, QueueEntry.service_date < clock.today()) >= 14


def test_the_accounts_of_the_demo_agree(demo):
    assert list(reconciliation.find_discrepancies()) == []
    assert _count(Bill, Bill.status == "paid") >= 3


def test_the_till_of_each_past_day_is_closed_and_a_request_waits_for_approval(demo):
    start, _end = clock.day_bounds(clock.today())
    assert _count(CashShift, CashShift.opened_at < start, CashShift.closed_at.is_(None)) == 0
    assert _count(CashShift, CashShift.closed_at < start) >= 7
    assert _count(Correction, Correction.status == "waiting") == 1
    assert _count(Bill, Bill.payer == "Insurance", Bill.payer_share > 0) == 1


def test_building_again_adds_nothing(demo):
    before = _count(Patient), _count(Appointment)
    assert not build.build(lambda _step: None)
    assert not build.bring_to_today(lambda _step: None)
    assert (_count(Patient), _count(Appointment)) == before
