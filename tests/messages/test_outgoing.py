"""Messages about appointments: made once, sent once, and honest about what became of them."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.appointments.reminders.jobs import plan_reminders
from hms.appointments.reminders.kinds import REMINDER
from hms.core import clock
from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.actions import notify
from hms.messages.models import OutgoingMessage
from hms.messages.outgoing import actions
from hms.patients.models import Patient
from hms.staff.profile.actions import change_preferences
from tests.appointments import factories
from tests.conftest import PASSWORD
from tests.messages.gateways import Answer

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
AT_NINE = factories.next_weekday(2, weeks=2)
STARTS = clock.at(AT_NINE, dt.time(9))


@pytest.fixture
def kadiatu(db):
    return factories.patient(phone="+23276123476", email="kadiatu@example.org", language="French")


@pytest.fixture
def booked(choose, person, kadiatu):
    """An appointment of Wednesday in a week at 9:00, booked the week before. Only reminders are sent."""
    choose(tell_changes=False)
    with clock.frozen_at(STARTS - 7 * DAY):
        return _book(kadiatu, factories.doctor(), person("receptionist"))


def _book(patient, doctor, by, at: dt.time = dt.time(9)):
    when = {"date": AT_NINE, "time": at, "duration_minutes": 15}
    return bookings.book(patient_id=patient.id, doctor_id=doctor.id, **when, by=by)


def _all() -> list[OutgoingMessage]:
    return list(database.session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


def _states() -> list[tuple[str, str, str]]:
    return [(row.kind.partition(".")[2], row.channel, row.status) for row in _all()]


def _work(at: dt.datetime, *, plan: bool = True) -> None:
    """What clock and worker do at this time."""
    with clock.frozen_at(at):
        if plan:
            plan_reminders()
        while outbox.run_due() or outbox.run_long():
            pass
        actions.lose_claims(by=SYSTEM)


def _check_first(request, sent: OutgoingMessage) -> None:
    _method, _path, headers, body = request
    fields = parse_qs(body)
    assert fields["to"] == ["+23276123476"]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "rendez-vous est pris" in fields["text"][0]
    assert "09:00" in fields["text"][0]
    assert "Bah" in fields["text"][0]
    assert (sent.gateway_id, sent.gateway_words, sent.attempts) == ("gw-1", '200 {"id": "gw-1"}', 1)


def test_a_patient_hears_of_the_booking_the_move_the_day_before_and_the_cancelling(phones, mails, person, kadiatu):
    desk, start = person("receptionist"), STARTS - 7 * DAY
    with clock.frozen_at(start):
        booking = _book(kadiatu, factories.doctor(), desk)
    _work(start)
    assert _states() == [("booked", "sms", "sent")]
    _check_first(phones.requests[0], _all()[0])

    with clock.frozen_at(start + DAY):
        bookings.move(booking.id, date=AT_NINE, time=dt.time(10), by=desk)
        bookings.move(booking.id, date=AT_NINE, time=dt.time(9), by=desk)
        bookings.move(booking.id, date=AT_NINE, time=dt.time(11), by=desk)
    _work(start + DAY)
    assert [state for state in _states() if state[0] == "moved"] == [("moved", "sms", "sent")], "only the last is news"

    for hours in (30, 25, 24, 24, 23):
        _work(STARTS + 2 * dt.timedelta(hours=1) - dt.timedelta(hours=hours))
    assert [state[0] for state in _states()] == ["booked", "moved", "reminder"]
    with clock.frozen_at(STARTS - dt.timedelta(hours=3)):
        transitions.cancel_appointment(booking.id, reason="Patient asked", by=desk)
    _work(STARTS - dt.timedelta(hours=3))
    assert _states()[3] == ("cancelled", "sms", "waiting"), "nobody is woken at six"
    _work(STARTS - dt.timedelta(hours=2))
    _work(STARTS + DAY)
    assert not mails.mails
    assert len(phones.requests) == 4


def test_a_broken_gateway_is_tried_again_then_the_next_channel(phones, mails, booked):
    at = STARTS - DAY
    phones.answers[:] = [Answer(500, "busy"), Answer(429, "slow down gateway-password-123"), Answer(503, "")]
    _work(at)
    assert _states() == [("reminder", "sms", "waiting")]
    assert (_all()[0].gateway_words, _all()[0].next_try_at) == ("500 busy", at + MINUTE)
    _work(at + dt.timedelta(seconds=59))
    assert len(phones.requests) == 1
    _work(at + MINUTE)
    assert _all()[0].gateway_words == "429 slow down •••"
    _work(at + 6 * MINUTE)
    phones.answers[:] = [Answer(500), Answer(500)]
    _work(at + 21 * MINUTE)
    _work(at + 51 * MINUTE)
    assert _states() == [("reminder", "sms", "failed"), ("reminder", "email", "sent")]
    assert len(phones.requests) == 5
    (mail,) = mails.mails
    assert (mail["To"], mail["From"]) == ("kadiatu@example.org", "Hospital <hms@hospital.lan>")
    assert "rendez-vous" in mail.get_content()
    assert mail["Subject"].startswith("Votre rendez-vous")
    assert "queued as 4711" in _all()[1].gateway_words
    assert _all()[1].fallback_of_id == _all()[0].id


def test_without_another_channel_a_gateway_that_is_down_for_hours_still_gets_the_message(phones, booked, kadiatu):
    database.session.get_one(Patient, kadiatu.id).email = ""
    database.session.commit()
    at = STARTS - DAY
    phones.answers[:] = [Answer(503)] * 7
    for minutes in (0, 1, 6, 21, 51, 111, 231):
        _work(at + minutes * MINUTE)
    assert (_all()[0].status, _all()[0].attempts, len(phones.requests)) == ("waiting", 7, 7)
    _work(at + 471 * MINUTE)
    assert (_all()[0].status, len(phones.requests)) == ("sent", 8)


def test_what_was_handed_over_without_an_answer_is_unknown_and_never_sent_by_itself(phones, mails, booked, person):
    phones.answers[:] = [Answer(hangs=True)]
    _work(STARTS - DAY)
    assert _states() == [("reminder", "sms", "unknown")]
    for hours in range(1, 24):
        _work(STARTS - DAY + dt.timedelta(hours=hours))
    assert len(phones.requests) == 1
    assert not mails.mails
    with clock.frozen_at(STARTS - DAY):
        newer = actions.send_again(_all()[0].id, by=person("receptionist"))
        for message_id, code in ((_all()[0].id, "sent_again"), (newer.id, "waiting")):
            with pytest.raises(Conflict) as refused:
                actions.send_again(message_id, by=person("receptionist"))
            assert refused.value.code == code
    mails.hangs = True
    _work(STARTS - DAY + MINUTE)
    assert [row.status for row in _all()] == ["unknown", "sent"]


def test_a_worker_that_is_killed_between_sending_and_noting_sends_nothing_twice(phones, booked):
    with clock.frozen_at(STARTS - DAY):
        message = actions.make_message(REMINDER, booked.id, lead=DAY, by=SYSTEM)
        first = actions.claim(message.id, by=SYSTEM)
        answered = first.hand_over()  # the worker is killed here
        assert actions.claim(message.id, by=SYSTEM) is None
    _work(STARTS - DAY + MINUTE)
    assert _states() == [("reminder", "sms", "sending")]
    _work(STARTS - DAY + 6 * MINUTE)
    assert _states() == [("reminder", "sms", "unknown")]
    assert len(phones.requests) == 1
    actions.note_result(message.id, first.attempt, answered, by=SYSTEM)  # it was only slow
    assert _all()[0].status == "sent"


def test_a_clock_that_stood_still(phones, choose, person, booked):
    """Late reminders are sent while they help, else marked; none after the beginning; of two that are due one is sent."""
    choose(reminder_hours="24, 3")
    actions.note_planned(STARTS - 2 * DAY, by=SYSTEM)
    other, desk = factories.doctor("dr.sesay", last_name="Sesay"), person("receptionist")
    with clock.frozen_at(STARTS - 7 * DAY):
        early = _book(factories.patient("Musa", phone="+23276555555"), other, desk, at=dt.time(7, 30))
        _book(factories.patient("Hawa"), other, desk, at=dt.time(8))
    _work(STARTS - dt.timedelta(minutes=80))
    assert {(row.appointment_id, row.lead_minutes): row.status for row in _all()} == {
        (early.id, 180): "missed",
        (early.id, 1440): "missed",
        (booked.id, 180): "sent",
        (booked.id, 1440): "missed",
    }


def test_a_clock_that_was_once_ahead_and_an_address_that_changed_meanwhile(phones, mails, booked, kadiatu):
    actions.note_planned(STARTS + DAY, by=SYSTEM)
    with clock.frozen_at(STARTS - DAY):
        plan_reminders()
    assert _states() == [("reminder", "sms", "waiting")]
    phones.answers[:] = [Answer(500)]
    with action_context("tests", SYSTEM):
        kadiatu.phone = "+23276999999"
    _work(STARTS - DAY, plan=False)
    assert parse_qs(phones.requests[0][3])["to"] == [_all()[0].address] == ["+23276999999"]
    with action_context("tests", SYSTEM):
        kadiatu.phone = ""
    _work(STARTS - DAY + MINUTE, plan=False)
    assert _states() == [("reminder", "sms", "failed"), ("reminder", "email", "sent")]
    assert _all()[0].gateway_words == actions.NO_ADDRESS


def test_nobody_is_woken_and_nothing_is_sent_that_is_not_true_any_more(phones, person, kadiatu):
    doctor, desk = factories.doctor(), person("receptionist")
    night = clock.at(AT_NINE - 3 * DAY, dt.time(22))
    with clock.frozen_at(night):
        booking = _book(kadiatu, doctor, desk)
    _work(night)
    assert _states() == [("booked", "sms", "waiting")]
    assert not phones.requests
    with clock.frozen_at(night + dt.timedelta(hours=1)):
        bookings.move(booking.id, date=AT_NINE, time=dt.time(10), by=desk)
        bookings.move(booking.id, date=AT_NINE, time=dt.time(10), duration_minutes=30, by=desk)  # not told
    _work(night + dt.timedelta(hours=1))
    _work(night + dt.timedelta(hours=9))
    assert _states() == [("booked", "sms", "cancelled"), ("moved", "sms", "sent")]
    assert "09:00 est maintenant" in _all()[1].body
    assert "à 10:00" in _all()[1].body
    assert len(phones.requests) == 1


def test_two_clocks_and_two_workers_send_one_reminder(in_parallel, message_servers):
    gateway = message_servers[0]
    gateway.answers.clear(), gateway.requests.clear()
    settings.change_setting("messages.sms_url", gateway.url, by=SYSTEM)
    settings.change_setting("messages.quiet_from", "", by=SYSTEM)
    patient, doctor = factories.patient(phone="+23276123476"), factories.doctor()
    starts = clock.local(clock.now() + DAY - MINUTE)
    with clock.frozen_at(clock.now() - 7 * DAY), action_context("tests", SYSTEM):
        when = {"date": starts.date(), "time": starts.time().replace(second=0, microsecond=0)}
        database.session.add(Appointment(patient_id=patient.id, doctor_id=doctor.id, **when))
    assert not [found for found in in_parallel([plan_reminders] * 4) if isinstance(found, Exception)]
    assert not [found for found in in_parallel([outbox.run_long] * 4) if isinstance(found, Exception)]
    outbox.run_long()
    assert _states() == [("reminder", "sms", "sent")]
    assert len(gateway.requests) == 1


def test_staff_get_their_alerts_by_sms_when_they_chose_it_also_at_night(phones, choose, person, desk, program):
    nurse, page, caller = person("nurse"), desk("nurse"), program("nurse")
    assert page.form("/profile/phone", phone="12", current=PASSWORD).status_code == 400
    assert page.form("/profile/phone", phone="076 123 476", current=PASSWORD).status_code == 303
    assert caller.get("/api/profile/").get_json()["phone"] == "+23276123476"
    assert caller.put("/api/profile/", json={"phone": ""}).status_code == 400, "without the password"
    choose(quiet_from="21:00", quiet_until="07:00")
    with clock.frozen_at(clock.at(AT_NINE, dt.time(2))):
        notify(nurse.id, title="Not wanted", by=person("admin"))
        change_preferences(preferences={"notify_by_sms": True}, by=nurse)
        notify(nurse.id, title="The report is ready", url="/notifications", by=person("admin"))
        while outbox.run_due() or outbox.run_long():
            pass
        (sent,) = _all()
        assert (sent.user_id, sent.channel, sent.address, sent.status) == (nurse.id, "sms", "+23276123476", "sent")
    assert "The report is ready" in str(parse_qs(phones.requests[0][3]))
