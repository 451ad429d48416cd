"""At the end of the day the clock marks the bookings whose patients did not come."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment
from hms.appointments.queue import jobs, transitions
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.house.hospital import add

DAY = dt.timedelta(days=1)


def _book(doctor, time, day=MONDAY):
    patient_id = factories.patient().id
    return booking_actions.book(patient_id=patient_id, doctor_id=doctor.id, date=day, time=dt.time(time), by=SYSTEM)


def _mark(day, hour):
    with clock.frozen_at(clock.at(day, dt.time(hour))):
        return jobs.mark_no_shows()


@pytest.fixture
def switched_on(db):
    with action_context("tests.settings", SYSTEM):
        settings.change_setting("appointments.no_show_automatic", True, by=SYSTEM)


def test_who_did_not_come_is_marked_once_at_the_hour(bah, person, switched_on):
    missed, late, next_day = _book(bah, 9), _book(bah, 20), _book(bah, 9, MONDAY + DAY)
    old = _book(bah, 9, MONDAY - 8 * DAY)
    with clock.frozen_at(clock.at(MONDAY, dt.time(10))):
        came = _book(bah, 10)
        transitions.add_to_queue(came.patient_id, by=person("receptionist"))
        elsewhere = _book(bah, 11)
        other = factories.doctor("dr.cole", last_name="Cole")
        factories.waiting(elsewhere.patient_id, doctor_id=other.id)
        seen = _book(bah, 12)
        add(Encounter(patient_id=seen.patient_id, doctor_id=other.id, started_at=clock.now()))
    assert _mark(MONDAY, 19) == 0
    assert _mark(MONDAY, 20) == 1
    assert (missed.status, missed.status_reason) == ("no_show", "Not checked in by the end of the day")
    assert [row.status for row in (late, next_day, old, elsewhere, seen)] == ["scheduled"] * 5
    entries = select(AuditEntry).filter_by(entity="appointment", action="appointments.auto_no_show")
    assert [(entry.entity_id, entry.actor_id) for entry in database.session.scalars(entries)] == [(missed.id, None)]
    transitions.change_appointment_status(missed.id, "scheduled", by=person("receptionist"))
    assert _mark(MONDAY, 21) == 1
    database.session.expire_all()
    assert (missed.status, late.status) == ("scheduled", "no_show")


def test_nobody_is_marked_until_it_is_switched_on(bah):
    booking = _book(bah, 9)
    assert _mark(MONDAY + DAY, 23) == 0
    assert database.session.get(Appointment, booking.id).status == "scheduled"
