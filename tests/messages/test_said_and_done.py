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
from hms.messages.models import MessagePreference, MessageText, OutgoingMessage
from hms.messages.outgoing import actions
from tests.appointments import factories
from tests.house.hospital import add
from tests.messages.gateways import Answer
from tests.page import said, words

WEEK = dt.timedelta(days=7)
TEXT = "/messages/texts/appointment.reminder/sms/en"


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
    assert (newer.status, len(phones.requests)) == ("sent", 1)
    assert "at 09:00 with Doctor" in newer.body, "it says what the record says now"


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


def test_nothing_wrong_is_sent_again(phones, choose, desk, person, failed):
    page, address = desk("receptionist"), f"/patients/{failed.patient_id}/messages"
    assert page.form(address, sms="refused", email="", language="").status_code == 303
    pressed = page.send(f"/messages/{failed.id}/send-again")
    assert "does not want messages on this channel" in page.get(pressed.location).get_data(as_text=True)
    assert page.form(address, sms="", email="", language="").status_code == 303
    choose(sms_url="")
    with pytest.raises(Conflict) as away:
        actions.send_again(failed.id, by=person("receptionist"))
    assert away.value.code == "no_channel"
    transitions.cancel_appointment(failed.appointment_id, reason="Patient asked", by=person("receptionist"))
    with pytest.raises(Conflict) as refused:
        actions.send_again(failed.id, by=person("receptionist"))
    assert refused.value.code == "not_needed"
    with pytest.raises(RoleNotAllowed):
        actions.send_again(failed.id, by=person("doctor"))
    assert actions.lose_claims(by=SYSTEM) == 0


def test_a_patient_gets_only_what_they_want_in_their_language(phones, mails, choose, desk, program, booking, remind):
    clerk, page = desk("receptionist"), f"/patients/{booking.patient_id}/messages"
    assert "Wishes about messages saved." in said(clerk, page, "/messages", sms="refused", email="", language="pt")
    row = database.session.scalars(select(MessagePreference)).one()
    assert (row.sms, row.email, row.language) == ("refused", "", "pt")
    assert clerk.form(page, sms="perhaps").status_code == 400
    api = f"/api/patients/{booking.patient_id}/message_preferences/"
    programmed = program("receptionist")
    assert programmed.get(api).get_json()["sms"] == "refused"
    assert programmed.put(api, json={"language": "xx"}).status_code == 400
    assert programmed.put(api, json={"sms": "refused"}, headers={"If-Match": '"7"'}).status_code == 412
    assert program("cashier").get(api).status_code == 403
    choose(consent="only_agreed")
    assert remind() == []
    saved = programmed.put(api, json={"sms": "refused", "email": "agreed", "language": "pt"})
    assert saved.get_json()["email"] == "agreed"
    assert [(row.channel, row.language, row.status) for row in remind()] == [("email", "pt", "sent")]
    assert "Lembrete da sua consulta" in mails.mails[0].get_content()
    assert not phones.requests


def test_after_a_merge_a_blank_overrules_no_answer(phones, mails, desk, program, booking, remind):
    about, api = {"patient_id": booking.patient_id}, f"/api/patients/{booking.patient_id}/message_preferences/"
    add(MessagePreference(**about, sms="refused", email="agreed", language="pt", updated_at=clock.now() - 2 * WEEK))
    add(MessagePreference(**about, email="refused", updated_at=clock.now() - WEEK))
    wishes, clerk = {"sms": "refused", "email": "refused", "language": "pt"}, program("receptionist")
    assert wishes.items() <= clerk.get(api).get_json().items()
    assert remind() == []
    assert desk("receptionist").form(f"/patients/{booking.patient_id}/messages").status_code == 303
    assert wishes.items() <= clerk.get(api).get_json().items()
    assert clerk.put(api, json={}).get_json()["sms"] == "", "what was cleared does not come back"
    assert [row.status for row in remind()] == ["sent"]


def test_an_administrator_changes_a_text_after_a_look_at_it(phones, desk, program, booking, remind):
    admin, number = desk("admin"), "Kadiatu Kamara"
    assert "Reminder" in words(admin.get("/messages/texts").get_data(as_text=True))
    new = "{{ hospital }}: {{ given_name }}, please come on {{ day }} – {{ time }}."
    shown = admin.form(TEXT, preview="1", body=new, patient=number)
    assert shown.status_code == 200
    text = words(shown.get_data(as_text=True))
    assert "Hospital: Kadiatu, please come on" in text
    assert "These characters make an SMS hold fewer: –" in text
    assert database.session.scalars(select(MessageText)).all() == []
    for wrong, patient in (("{{ diagnosis }}", number), (new, "HMS-000000-0"), (new, ""), ("", number), ("{{", number)):
        assert admin.form(TEXT, preview="1", body=wrong, patient=patient).status_code == 400
    assert admin.form(TEXT, body="{{ patient.phone }}").status_code == 400
    assert "Text saved. The next messages use it." in said(admin, TEXT, "/en", body=new)
    assert database.session.scalars(select(MessageText)).one().body == new
    assert "please come on" in remind()[0].body
    programmed, address = program("admin"), "/api/message_texts/appointment.booked/email/fr/"
    (row,) = programmed.get("/api/message_texts/?kind=appointment.reminder&channel=sms&language=en").get_json()
    assert (row["body"], row["is_changed"]) == (new, True)
    assert (
        programmed.put(address, json={"subject": "Bonjour", "body": "{{ patient }}"}).get_json()["subject"] == "Bonjour"
    )
    assert programmed.put(address, json={"body": "{{ patient }}"}).status_code == 400
    assert programmed.put("/api/message_texts/x/sms/en/", json={"body": "x"}).status_code == 404
    assert desk("receptionist").get("/messages/texts").status_code == 403


def test_a_test_tells_the_gateways_own_words_and_no_secret(phones, mails, choose, desk, program):
    admin, page = desk("admin"), "/messages/channels"
    assert "gateway-password-123" not in admin.get(page).get_data(as_text=True)
    sent = _press(admin, "sms", "+232 76 123 476")
    assert "The gateway took the test message: 200" in sent
    assert "to=%2B23276123476" in phones.requests[0][3]
    assert "took the test message" in _press(admin, "sms", "076 123 477")
    assert "to=%2B23276123477" in phones.requests[1][3]
    phones.answers[:] = [Answer(401, "wrong gateway-password-123 <b>")]
    assert "The test message was not sent: 401 wrong ••• <b>" in _press(admin, "sms", "+23276123476")
    mails.refusals[:] = ["550 no such user"]
    assert "was not sent: 550 no such user" in _press(admin, "email", "nobody@example.org")
    assert "took the test message: 250 queued as 4711" in _press(admin, "email", "it@example.org")
    assert admin.form(page, address="").status_code == 400
    programmed, asked_before = program("admin"), len(phones.requests)
    phones.answers[:] = [Answer(hangs=True)]
    for _ in range(2):
        asked = programmed.post(
            "/api/messages/test/",
            json={"channel": "sms", "address": "+23276123476"},
            headers={"Idempotency-Key": "one-test"},
        )
        assert asked.get_json()["outcome"] == "unknown"
    assert len(phones.requests) == asked_before + 1
    choose(sms_url="http://127.0.0.1:9/")
    assert "Could not connect" in _press(admin, "sms", "+23276123476")
    assert programmed.post("/api/messages/test/", json={"channel": "fax", "address": "1"}).status_code == 400
    assert desk("receptionist").get(page).status_code == 403
    assert "must begin with https" in words(
        admin.form("/admin/settings/messages.sms_url", new="file:///etc/passwd").get_data(as_text=True)
    )


def _press(admin, channel: str, address: str) -> str:
    """What the page says after the test button of a channel."""
    number = ("sms", "email").index(channel)
    answer = admin.form("/messages/channels", number, address=address)
    return words(admin.get(answer.location).get_data(as_text=True))
