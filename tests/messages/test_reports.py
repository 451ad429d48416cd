"""Delivery reports of the gateway, and one alert of failures."""

from __future__ import annotations

import base64
import datetime as dt

from sqlalchemy import func, select

from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.messages.models import Notification, OutgoingMessage
from hms.messages.outgoing import actions, jobs
from tests.house.hospital import add

REPORT_TOKEN = "report-password-of-the-gateway"
TEXT = "/messages/texts/appointment.reminder/sms/en"


def test_only_the_gateway_reports_what_became_of_a_message(phones, mails, app, monkeypatch, program, booking, remind):
    nobody, address = program(None), "/api/messages/reports/"
    assert remind()[0].status == "sent"
    known = {"id": "gw-1", "status": "DELIVRD"}
    assert nobody.post(address, data=known, headers={"X-Report-Token": ""}).status_code == 404
    monkeypatch.setitem(app.config, "SMS_REPORT_TOKEN", REPORT_TOKEN)
    token = {"X-Report-Token": REPORT_TOKEN}
    for headers in ({}, {"X-Report-Token": "wrong"}, {"Authorization": "Bearer " + REPORT_TOKEN}):
        assert nobody.post(address, data=known, headers=headers).status_code == 404
    assert nobody.post(address, json={"id": "gw-77", "status": "delivered"}, headers=token).status_code == 404
    for odd in ({}, {"id": "gw-1"}, {"id": ["gw-1"], "status": {}}, {"id": True, "status": None}):
        assert nobody.post(address, json=odd, headers=token).status_code in (400, 404)
    assert nobody.post(address, json=[1], headers=token).status_code == 400
    assert nobody.post(address, json={"id": "gw-1", "status": "buffered"}, headers=token).status_code == 204
    with clock.frozen_at(clock.at(booking.date, booking.time) - dt.timedelta(hours=23)):
        assert nobody.post(address, json={"id": "gw-1", "status": "UNDELIV"}, headers=token).status_code == 204
    states = {row.channel: row.status for row in remind()}
    assert states == {"sms": "failed", "email": "sent"}
    basic = {"Authorization": "Basic " + base64.b64encode(f"gateway:{REPORT_TOKEN}".encode()).decode()}
    assert nobody.post(address, data=known, headers=basic).status_code == 204
    row = database.session.scalars(select(OutgoingMessage).filter_by(channel="sms")).one()
    assert (row.status, row.gateway_words, row.delivered_at is not None) == ("delivered", "DELIVRD", True)


def test_administrators_are_alerted_once_when_messages_fail(phones, db, person, booking, remind):
    (sent,) = remind()
    alerts = select(func.count()).where(Notification.title == "Messages to patients fail")
    for number in range(5):
        jobs.look_after()
        assert database.session.scalar(alerts) == 0
        copied = ("kind", "channel", "patient_id", "appointment_id", "about_at", "language", "address", "body")
        values = {name: getattr(sent, name) for name in (*copied, "due_at", "valid_until")}
        add(OutgoingMessage(**values, occurrence=f"n{number}", **_state(number)))
    jobs.look_after(), jobs.look_after()
    assert database.session.scalar(alerts) == 1
    with clock.frozen_at(clock.now() + dt.timedelta(hours=7)):
        jobs.look_after()
    assert database.session.scalar(alerts) == 1, "an hour with few failures"
    assert actions.lose_claims(by=SYSTEM) == 0


def _state(number: int) -> dict[str, object]:
    """Of every second message: tried three times already, and it still waits."""
    return {"status": "waiting", "attempts": 3} if number % 2 else {"status": "failed"}
