"""E-mail of one-time links and alerts, with a real mail server; nothing is sent while none is set."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from hms.core.background import outbox
from hms.core.background.outbox import Outbox, run_job
from hms.core.settings import store as settings
from hms.local.servers import ports
from hms.messages.actions import mark_read, notify
from hms.messages.models import Notification, OutgoingMessage
from hms.staff.accounts import actions
from hms.staff.onboarding import one_time_links
from hms.staff.profile.actions import change_preferences
from tests.page import words
from tests.staff.factories import GOOD, account, user, who


class Box:
    """A mail server that stores the messages it receives."""

    def __init__(self) -> None:
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"


@pytest.fixture
def box(app, person):
    """A hospital with a mail server and an address of its own."""
    kept = Box()
    server = Controller(kept, hostname="127.0.0.1", port=ports.choose_port())
    server.start()
    app.config["SMTP_URL"] = f"smtp://127.0.0.1:{server.port}"
    settings.change_setting("hospital.site_address", "https://hms.example.org", by=person("admin"))
    settings.clear_cache()
    yield kept.messages
    app.config["SMTP_URL"] = ""
    server.stop()


def _work(db, kind):
    for outbox_id in db.session.scalars(select(Outbox.id).filter_by(kind=kind, done_at=None)).all():
        run_job(outbox_id)


@pytest.mark.security("E")
def test_an_e_mailed_link_has_its_own_secret_and_using_either_link_ends_both(box, db, desk, person):
    account("f.koroma", "nurse", email="f@example.org", first_name="Fatu")
    settings.change_setting("hospital.name", "Bay Hospital", by=person("admin"))
    shown = one_time_links.make_link(user("f.koroma").id, by=person("admin"))
    _work(db, "staff.mail_link")
    [message] = box
    assert (message["To"], message["Subject"]) == ("f@example.org", "Your account at Bay Hospital")
    mailed = re.search(r"https://hms\.example\.org/welcome/([\w-]{43})\s", message.get_content()).group(1)
    assert mailed != shown
    assert desk(None).get(f"/welcome/{shown}").status_code == 200
    assert desk(None).form(f"/welcome/{mailed}", password=GOOD, again=GOOD).status_code == 303
    assert desk(None).get(f"/welcome/{shown}").status_code == 404


@pytest.mark.security("E")
def test_a_link_that_has_ended_is_not_e_mailed(box, db, person):
    account("f.koroma", "nurse", email="f@example.org")
    one_time_links.make_link(user("f.koroma").id, by=person("admin"))
    actions.deactivate(user("f.koroma").id, by=person("admin"))
    _work(db, "staff.mail_link")
    assert box == []


def test_alerts_are_e_mailed_to_people_who_chose_it(box, db, person, desk, program):
    account("f.koroma", "nurse", email="f@example.org", first_name="Fatu")
    notify(user("f.koroma").id, title="Not wanted", by=person("admin"))
    change_preferences(preferences={"notify_by_email": True}, by=who("f.koroma"))
    notify(user("f.koroma").id, title="Report October is ready", url="/notifications", by=person("admin"))
    while outbox.run_due() or outbox.run_long():
        pass
    [message] = box
    sent = db.session.scalars(select(OutgoingMessage)).one()
    assert (sent.user_id, sent.patient_id, sent.status) == (user("f.koroma").id, None, "sent")
    notify(user("f.koroma").id, title="Read at once", by=person("admin"))
    alert = db.session.scalars(select(Notification).filter_by(title="Read at once")).one()
    mark_read(alert.id, by=who("f.koroma"))
    while outbox.run_due() or outbox.run_long():
        pass
    assert len(box) == 1
    assert "Fatu" in words(desk("admin").get("/messages?kind=staff.alert").text)
    assert "Report October is ready" in words(desk("admin").get(f"/messages/{sent.id}").text)
    assert "Fatu" not in words(desk("receptionist").get("/messages").text)
    assert desk("receptionist").get(f"/messages/{sent.id}").status_code == 404
    (row,) = program("admin").get(f"/api/messages/?user={sent.user_id}").get_json()
    assert (row["user"], row["patient"], row["kind"]) == (sent.user_id, None, "staff.alert")
    assert program("receptionist").get("/api/messages/").get_json() == []
    assert message.get_content().split() == [
        "Report",
        "October",
        "is",
        "ready",
        "https://hms.example.org/notifications",
    ]


def test_without_a_mail_server_no_e_mail_is_queued(db, person):
    account("f.koroma", "nurse", email="f@example.org")
    one_time_links.make_link(user("f.koroma").id, by=person("admin"))
    mailing = select(func.count()).select_from(Outbox).where(Outbox.kind == "staff.mail_link")
    assert db.session.execute(mailing).scalar_one() == 0
