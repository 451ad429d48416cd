"""Messages of success of administration say what the rows say, and no more."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings.definitions import SETTINGS
from hms.core.settings.store import SystemSetting
from hms.patients.access import actions as access_actions
from hms.patients.models import BreakGlass
from tests.page import said
from tests.patients.factories import a_patient

KEY = "queue.long_wait_minutes"
JOB = "tests.said"


def test_each_message_about_settings_is_about_a_row(desk, db):
    admin, page = desk("admin"), f"/admin/settings/{KEY}"
    label = SETTINGS[KEY].label
    assert f"{label} saved. It takes effect within five seconds." in said(admin, page, new="45")
    row = database.session.scalars(select(SystemSetting).filter_by(key=KEY)).one()
    assert str(row.value) == "45"
    assert f"{label} reverted to its default." in said(admin, page, to=f"{page}/revert")
    row = database.session.get(SystemSetting, row.id, populate_existing=True)
    assert row is None or row.value == SETTINGS[KEY].default


def test_a_finding_is_saved(desk, person):
    patient = a_patient()
    access_actions.restrict(patient.id, reason="Asked for it at the desk", by=SYSTEM)
    opened = access_actions.break_glass(patient.id, reason="Collapsed at the counter", by=person("doctor"))
    page = f"/admin/access-reviews/{opened.id}"
    assert "Finding saved." in said(desk("admin"), page, finding="justified", note="")
    stored = database.session.get(BreakGlass, opened.id, populate_existing=True)
    assert (stored.finding, stored.reviewed_by_id) == ("justified", person("admin").id)


def test_failed_jobs_are_due_again(desk, db, monkeypatch):
    def fail(_ref_id: int) -> None:
        raise RuntimeError

    monkeypatch.setitem(outbox._JOBS, JOB, fail)
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    with action_context("tests.seed", SYSTEM):
        outbox.enqueue(JOB, 7)
    assert outbox.run_due() == 1
    assert "1 will be tried again now." in said(desk("admin"), "/admin/failed-jobs")
    assert outbox.job_status(JOB, 7) != "failed"
