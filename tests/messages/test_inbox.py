"""A person's own alerts on the page and in the API."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hms.core.db.session import db as database
from hms.core.errors import NotFound
from hms.messages import actions
from hms.messages.models import Notification


@pytest.fixture
def alert(db, person):
    """One alert for the nurse."""
    nurse = person("nurse")
    return actions.notify(nurse.id, title="Report ready", url="/reports/", by=person("admin"))


def test_an_alert_is_shown_and_opened(desk, person, alert):
    nurse = desk("nurse")
    assert "Report ready" in nurse.get("/notifications").get_data(as_text=True)
    answer = nurse.form("/notifications", number=1)
    assert answer.headers["Location"] == "/reports/"
    unread = select(func.count()).where(Notification.user_id == person("nurse").id, Notification.read_at.is_(None))
    assert database.session.scalar(unread) == 0


@pytest.mark.security("D")
def test_the_alert_of_another_person_is_not_found(desk, program, person, alert):
    with pytest.raises(NotFound):
        actions.mark_read(alert.id, by=person("doctor"))
    assert program("doctor").post(f"/api/notifications/{alert.id}/mark_read/").status_code == 404
    assert program("doctor").get("/api/notifications/").get_json() == []


def test_a_program_reads_and_marks_its_own(program, alert):
    nurse = program("nurse")
    (row,) = nurse.get("/api/notifications/").get_json()
    assert (row["title"], row["is_read"]) == ("Report ready", False)
    assert nurse.post(f"/api/notifications/{alert.id}/mark_read/").get_json() == {"status": "marked as read"}
    assert nurse.get("/api/notifications/").get_json()[0]["is_read"] is True


def test_the_inbox_needs_as_many_queries_for_many_alerts_as_for_few(db, desk, person):
    admin, nurse = person("admin"), person("nurse")
    counts = []
    for count in (5, 60):
        for number in range(count):
            actions.notify(nurse.id, title=f"Notice {number}", by=admin)
        counts.append(desk("nurse").queries("/notifications"))
    assert counts[0] == counts[1]
