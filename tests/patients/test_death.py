"""A death: recorded by the right, and then no booking, token or message; corrected, taken back, merged."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.models import Appointment, QueueEntry
from hms.appointments.queue import transitions as queue
from hms.core import clock
from hms.core.background.outbox import Outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, DomainError
from hms.messages.outgoing import actions as messages
from hms.patients.death import actions, queries
from hms.patients.merging import actions as merging
from hms.patients.models import Patient
from tests.house.hospital import _told
from tests.patients.factories import a_patient

CAUSE = "Canarycause"
DAY = dt.date(2026, 1, 1)


def _fresh(patient: Patient) -> Patient:
    return database.session.get(Patient, patient.id, populate_existing=True)


def _book(person, patient: Patient, days: int = 3) -> Appointment:
    when = {"date": clock.today() + dt.timedelta(days=days), "time": dt.time(9)}
    return bookings.book(patient_id=patient.id, doctor_id=person("doctor").id, **when, by=person("receptionist"))


def test_a_death_ends_bookings_tokens_and_messages(person):
    patient, clerk, doctor = a_patient(), person("receptionist"), person("doctor")
    booked, entry = _book(person, patient), queue.add_to_queue(patient.id, by=clerk)
    told, waiting = _told(booked, clock.now()), set(database.session.scalars(select(Outbox.id)))
    actions.record_death(patient.id, died_on=DAY, cause=CAUSE, by=doctor)
    database.session.expire_all()
    cancelled = database.session.get(Appointment, booked.id)
    assert (cancelled.status, cancelled.status_reason) == ("cancelled", "The patient has died")
    assert database.session.get(QueueEntry, entry.id).status == "cancelled"
    assert set(database.session.scalars(select(Outbox.id))) == waiting
    for refused in (
        lambda: _book(person, patient, 4),
        lambda: queue.add_to_queue(patient.id, by=clerk),
        lambda: queue.change_appointment_status(booked.id, "scheduled", by=clerk),
        lambda: messages.send_again(told, by=clerk),
    ):
        with pytest.raises(DomainError, match="has died"):
            refused()
    actions.take_back_death(patient.id, reason="Wrong patient", by=doctor)
    assert _book(person, patient, 4).status == "scheduled"


def test_programs_record_correct_and_take_back_a_death(program, db):
    patient, doctor, nurse, clerk = a_patient(), program("doctor"), program("nurse"), program("receptionist")
    url = f"/api/patients/{patient.id}/death/"
    assert doctor.get(url).status_code == 404
    assert nurse.post(url, json={"died_on": None}).status_code == 403
    assert doctor.post(url, json={"died_on": "2999-01-01"}).status_code == 400
    made = doctor.post(url, json={"died_on": None, "cause": CAUSE})
    assert (made.status_code, made.json["died_text"], made.json["cause"]) == (201, "unknown", CAUSE)
    assert doctor.post(url, json={"died_on": None}).status_code == 409
    seen = clerk.get(f"/api/patients/{patient.id}/").json
    assert (seen["deceased"], seen["deceased_on"]) == (True, None)
    assert (clerk.get(url).status_code, nurse.get(url).json["cause"]) == (403, CAUSE)
    change = {"died_on": "2026-01-02", "reason": "Certificate"}
    assert doctor.put(url, json=change, headers={"If-Match": '"9"'}).status_code == 412
    assert doctor.put(url, json={"died_on": "2026-01-02"}).status_code == 400
    changed = doctor.put(url, json=change, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json["died_on"], changed.json["reason"]) == (200, "2026-01-02", "Certificate")
    assert clerk.get(f"/api/patients/{patient.id}/").json["deceased_on"] == "2026-01-02"
    assert doctor.post(f"{url}take_back/", json={"reason": "Wrong patient"}).status_code == 204
    assert clerk.get(f"/api/patients/{patient.id}/").json["deceased"] is False


def test_a_merge_takes_the_death_along_and_ends_what_is_open(person):
    kept, gone = a_patient(), a_patient()
    booked = _book(person, kept)
    actions.record_death(gone.id, died_on=DAY, cause=CAUSE, by=person("doctor"))
    asked = {"reason": "Registered twice", "by": person("receptionist")}
    with pytest.raises(Exception, match="Confirm the difference"):
        merging.request_merge(kept.id, gone.id, **asked)
    request = merging.request_merge(kept.id, gone.id, confirmed=["death"], **asked)
    merging.approve(request.id, by=person("admin"))
    database.session.expire_all()
    assert queries.get_details(_fresh(kept)).cause == CAUSE
    assert database.session.get(Appointment, booked.id).status == "cancelled"
    separation = merging.request_separation(request.id, **asked)
    merging.approve(separation.id, by=person("admin"))
    assert (_fresh(kept).has_died, _fresh(gone).deceased_on) == (False, DAY)
    with pytest.raises(Conflict):
        actions.record_death(gone.id, died_on=None, by=person("doctor"))
