"""The gateways of the messages to patients, and the settings that lead there."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.reminders.jobs import plan_reminders
from hms.core import clock
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.channels import gateway as sms
from hms.messages.models import OutgoingMessage
from tests.appointments import factories
from tests.messages import gateways


@pytest.fixture(scope="session")
def message_servers():
    with gateways.sms_gateway() as gateway, gateways.mail_server() as mails:
        yield gateway, mails


@pytest.fixture
def choose(db):
    """`choose(sms_url="")`: change settings of messages."""

    def change(**values: object) -> None:
        for name, value in values.items():
            settings.change_setting(f"messages.{name}", value, by=SYSTEM)
        settings.clear_cache()

    return change


@pytest.fixture
def phones(message_servers, choose, app, monkeypatch):
    """The SMS gateway; its waits are short."""
    gateway = message_servers[0]
    gateway.answers.clear(), gateway.requests.clear(), gateway.release.clear()
    monkeypatch.setattr(sms, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(sms, "ANSWER_SECONDS", 0.3)
    monkeypatch.setitem(app.config, "SMS_TOKEN", "gateway-password-123")
    choose(sms_url=gateway.url)
    return gateway


@pytest.fixture
def mails(message_servers, app, monkeypatch, db):
    """The mail server."""
    server = message_servers[1]
    server.mails.clear(), server.refusals.clear()
    server.hangs = False
    monkeypatch.setitem(app.config, "SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    monkeypatch.setitem(app.config, "MAIL_FROM", "Hospital <hms@hospital.lan>")
    return server


@pytest.fixture
def booking(choose, person):
    """An appointment in a week; nobody was told of it."""
    choose(tell_changes=False, quiet_from="")
    patient, doctor = factories.patient(phone="+23276123476", email="k@example.org"), factories.doctor()
    when = {"date": clock.today() + dt.timedelta(days=7), "time": dt.time(9), "duration_minutes": 15}
    made = bookings.book(patient_id=patient.id, doctor_id=doctor.id, **when, by=person("receptionist"))
    choose(tell_changes=True)
    return made


@pytest.fixture
def remind(booking):
    return lambda: _remind(booking)


def _remind(booking) -> list[OutgoingMessage]:
    """The reminders of the booking after the clock and the worker had their turn the day before."""
    with clock.frozen_at(clock.at(booking.date, booking.time) - dt.timedelta(hours=23)):
        plan_reminders()
        while outbox.run_due() or outbox.run_long():
            pass
    return list(database.session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))
