"""The gateways of the messages to patients, and the settings that lead there."""

from __future__ import annotations

import pytest

from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.channels import gateway as sms
from tests.messages import gateways


@pytest.fixture(scope="session")
def _servers():
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
def phones(_servers, choose, app, monkeypatch):
    """The SMS gateway; its waits are short."""
    gateway = _servers[0]
    gateway.answers.clear(), gateway.requests.clear(), gateway.release.clear()
    monkeypatch.setattr(sms, "CONNECT_SECONDS", 0.3)
    monkeypatch.setitem(app.config, "SMS_TOKEN", "gateway-password-123")
    choose(sms_url=gateway.url)
    return gateway


@pytest.fixture
def mails(_servers, app, monkeypatch, db):
    """The mail server."""
    server = _servers[1]
    server.mails.clear(), server.refusals.clear()
    server.hangs = False
    monkeypatch.setitem(app.config, "SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    monkeypatch.setitem(app.config, "MAIL_FROM", "Hospital <hms@hospital.lan>")
    return server
