"""Wall screens: a link that an administrator makes and switches off; numbers and rooms, no names."""

from __future__ import annotations

import re

import pytest

from hms.appointments.models import WallScreen
from hms.appointments.queue import actions as queue_actions
from hms.core.db.session import db as database
from tests.appointments import factories
from tests.page import words


@pytest.fixture
def tokens(bah, person):
    """Tokens: one that waits for Dr Bah in room 3, one for Dr Cole in room 7, and one that Dr Bah has called."""
    cole = factories.doctor("dr.cole", last_name="Cole", room="Room 7")
    entries = [factories.waiting(factories.patient().id, doctor_id=who) for who in (bah.id, cole.id, bah.id)]
    queue_actions.call_patient(entries[2].id, by=person("nurse"))
    return [entry.token for entry in entries]


def path_of(page: str) -> str | None:
    found = re.search(r"/wall/[\w-]+", page)
    return found and found.group()


def test_a_wall_screen_shows_its_doctors_numbers_until_it_is_switched_off(tokens, bah, desk):
    mine, _other, called = tokens
    admin, nobody = desk("admin"), desk(None)
    assert admin.send("/admin/wall-screens", name=" ", doctor_id="").status_code == 400
    values = {"name": "Hall", "doctor_id": str(bah.id), "spoken": ["en"], "has_chime": "y"}
    assert admin.send("/admin/wall-screens", **values).status_code == 303
    link = path_of(admin.get("/admin/wall-screens").get_data(as_text=True))
    assert path_of(admin.get("/admin/wall-screens").get_data(as_text=True)) is None, "shown once"
    page = nobody.get(link).get_data(as_text=True)
    assert f"{called} → Room 3" in words(page)
    assert f"{mine} Room 3 How long patients here will wait is not known yet." in words(page)
    assert "Kamara" not in page, "no names of patients"
    assert "Room 7" not in page, "the other doctor's numbers are on other screens"
    assert f"Number {called}, Room 3" in page, "what is spoken"
    rows = nobody.get(f"{link}/rows")
    assert "Set-Cookie" not in rows.headers
    assert "data-wall-at" in rows.get_data(as_text=True)
    hall = database.session.query(WallScreen).filter_by(name="Hall").one()
    admin.send(f"/admin/wall-screens/{hall.id}/switch-off")
    for address in (link, f"{link}/rows", "/wall/no-such-link"):
        gone = nobody.get(address)
        assert gone.status_code == 404
        assert "switched off" in gone.get_data(as_text=True)


def test_programs_make_and_end_wall_screens(tokens, desk, program):
    caller, nobody = program("admin"), desk(None)
    made = caller.post("/api/wall-screens/", json={"name": "Everybody"})
    assert made.status_code == 201
    link = path_of(made.get_json()["link"])
    assert f"{tokens[1]} Room 7" in words(nobody.get(link).get_data(as_text=True))
    listed = caller.get("/api/wall-screens/").get_json()
    assert [row["name"] for row in listed] == ["Everybody"]
    assert "link" not in listed[0]
    bad = caller.post("/api/wall-screens/", json={"name": "Hall", "spoken": ["xx"]})
    assert (bad.status_code, list(bad.get_json())) == (400, ["spoken"])
    assert caller.post("/api/wall-screens/", json={"name": "Hall", "doctor": 2**62}).status_code == 400
    assert program("receptionist").post("/api/wall-screens/", json={"name": "Hall"}).status_code == 403
    for _press in range(2):
        assert caller.delete(f"/api/wall-screens/{listed[0]['id']}/").status_code == 204
    assert nobody.get(link).status_code == 404
    assert caller.get("/api/wall-screens/").get_json() == []
