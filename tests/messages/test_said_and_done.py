"""Pages and endpoints of messages to patients: who sees them, and what they say was done is what was done."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import func, select

from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.audit.models import AuditEntry
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RoleNotAllowed
from hms.core.person import SYSTEM
from hms.messages.models import OutgoingMessage
from hms.messages.outgoing import actions
from tests.appointments import factories
from tests.house.hospital import add
from tests.page import said

WEEK = dt.timedelta(days=7)


@pytest.fixture
def failed(db, person):
    """A reminder of an appointment in a week that the gateway refused."""
    patient = factories.patient(phone="+23276123476")
    day = clock.today() + WEEK
    doctor_id = person("doctor").id
    booking = add(Appointment(patient_id=patient.id, doctor_id=doctor_id, date=day, time=dt.time(9)))
    starts = clock.at(day, dt.time(9))
    times = {"about_at": starts, "due_at": clock.now(), "valid_until": starts}
    said = {"channel": "sms", "language": "en", "address": "+23276123476", "body": "Come € at nine."}
    about = {"patient_id": patient.id, "appointment_id": booking.id, "kind": "appointment.reminder"}
    return add(
        OutgoingMessage(**about, **said, **times, occurrence="x", status="failed", gateway_words="400 <b>No</b> credit")
    )


def test_the_front_desk_finds_a_failed_message_and_sends_it_again_once(phones, desk, person, failed):
    clerk = desk("receptionist")
    found = clerk.get("/messages?status=failed&channel=sms&kind=appointment.reminder&patient=kamara")
    assert "400 &lt;b&gt;No&lt;/b&gt; credit" in found.get_data(as_text=True)
    assert "No messages match" in clerk.get("/messages?status=sent").get_data(as_text=True)
    for odd in ("status=x", "day_from=99.99.2026", "patient=HMS-000482-1", "before=1e9"):
        assert clerk.get(f"/messages?{odd}").status_code in (200, 400)
    page = clerk.get(f"/messages/{failed.id}").get_data(as_text=True)
    assert "16 characters, 1 SMS" in page
    assert "Reminder" in clerk.get(f"/appointments/{failed.appointment_id}").get_data(as_text=True)
    assert "The message waits to be sent again." in said(clerk, f"/messages/{failed.id}")
    again = clerk.send(f"/messages/{failed.id}/send-again")
    assert "sent again already" in clerk.get(again.location).get_data(as_text=True)
    outbox.run_long()
    newer = database.session.scalars(select(OutgoingMessage).filter_by(again_of_id=failed.id)).one()
    assert (newer.status, newer.body, len(phones.requests)) == ("sent", failed.body, 1)


def test_programs_read_and_send_again_and_each_read_is_in_the_trail(phones, program, failed):
    clerk = program("receptionist")
    (row,) = clerk.get(f"/api/messages/?patient={failed.patient_id}&status=failed&ordering=-due_at").get_json()
    assert (row["id"], row["appointment"], row["body"]) == (failed.id, failed.appointment_id, "Come € at nine.")
    assert clerk.get("/api/messages/?status=lost").status_code == 400
    assert clerk.post(f"/api/messages/{failed.id}/send_again/").status_code == 201
    assert clerk.post(f"/api/messages/{failed.id}/send_again/").get_json()["code"] == "sent_again"
    for who in ("doctor", "cashier", "patient"):
        assert program(who).get("/api/messages/").status_code == 403
        assert program(who).post(f"/api/messages/{failed.id}/send_again/").status_code == 403
    reads = select(func.count()).where(
        AuditEntry.patient_id == failed.patient_id, AuditEntry.action.like("messages.read%")
    )
    assert database.session.scalar(reads) >= 2


def test_nothing_wrong_is_sent_again(phones, person, failed):
    transitions.cancel_appointment(failed.appointment_id, reason="Patient asked", by=person("receptionist"))
    with pytest.raises(Conflict) as refused:
        actions.send_again(failed.id, by=person("receptionist"))
    assert refused.value.code == "not_needed"
    with pytest.raises(RoleNotAllowed):
        actions.send_again(failed.id, by=person("doctor"))
    assert actions.lose_claims(by=SYSTEM) == 0
