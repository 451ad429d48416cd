"""A person's alerts: their own only, read once, on page and API."""

from __future__ import annotations

import pytest

from hms.core.errors import NotFound
from hms.messages import actions, queries


@pytest.fixture
def told(db, person):
    """One alert for the nurse."""
    nurse = person("nurse")
    return actions.tell(nurse.id, title="Report ready", url="/reports/", by=person("admin"))


def test_an_alert_is_shown_and_opened_once(desk, person, told):
    nurse = desk("nurse")
    assert "Report ready" in nurse.get("/notifications").get_data(as_text=True)
    answer = nurse.form("/notifications", number=1)
    assert answer.headers["Location"] == "/reports/"
    assert queries.unread_count(person("nurse").id) == 0


@pytest.mark.security("D")
def test_anothers_alert_is_not_found(desk, program, person, told):
    with pytest.raises(NotFound):
        actions.mark_read(told.id, by=person("doctor"))
    assert program("doctor").post(f"/api/notifications/{told.id}/mark_read/").status_code == 404
    assert program("doctor").get("/api/notifications/").get_json() == []


def test_a_program_reads_and_marks_its_own(program, told):
    nurse = program("nurse")
    (row,) = nurse.get("/api/notifications/").get_json()
    assert (row["title"], row["is_read"]) == ("Report ready", False)
    assert nurse.post(f"/api/notifications/{told.id}/mark_read/").get_json() == {"status": "marked as read"}
    assert nurse.get("/api/notifications/").get_json()[0]["is_read"] is True


def test_the_inbox_asks_the_same_number_of_queries_for_many(db, desk, person):
    admin, nurse = person("admin"), person("nurse")
    counts = []
    for more in (5, 60):
        for number in range(more):
            actions.tell(nurse.id, title=f"Notice {number}", by=admin)
        counts.append(desk("nurse").queries("/notifications"))
    assert counts[0] == counts[1]
