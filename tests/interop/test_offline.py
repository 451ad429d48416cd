"""A batch from a device that had no network: each entry as if it were sent now, and none of it lost."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hms.core.errors import NotFound
from hms.interop.models import OfflineEntry
from hms.interop.offline import actions
from hms.patients.models import Patient

pytestmark = pytest.mark.security("Q")

JANE = {
    "unique_id": "SYNC1",
    "first_name": "Jane",
    "last_name": "Smith",
    "date_of_birth": "1990-01-15",
    "gender": "F",
    "contact_info": "+23276123456",
    "address": "123 Main St",
    "known_allergies": "",
}


def send(client, *batch):
    answer = client.post("/api/sync_offline_data/", json={"batch": list(batch)})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def patients(db):
    return db.session.scalar(select(func.count()).select_from(Patient))


def test_what_was_entered_offline_is_saved_once_however_often_it_is_sent(db, program):
    client, entry = program("nurse"), {"model": "patient", "fields": JANE}
    first = send(client, entry)
    assert first["status"] == "success"
    assert first["results"][0]["unique_id"] == "SYNC1"
    assert first["results"][0]["created"] is True
    again = send(client, entry)["results"][0]
    assert (again["created"], again["id"]) == (False, first["results"][0]["id"])
    assert patients(db) == 1


def test_a_refused_entry_keeps_nobody_else_out_and_waits_for_its_person(db, program, desk):
    wrong = {"model": "patient", "key": "SYNC2", "fields": JANE | {"date_of_birth": "2190-01-15", "unique_id": "SYNC2"}}
    told = send(program("nurse"), wrong, {"model": "patient", "fields": JANE})
    assert told["status"] == "partial"
    assert [result["created"] for result in told["results"]] == [False, True]
    assert "date_of_birth" in told["results"][0]["errors"]
    page = desk("nurse").get("/offline-entries").get_data(as_text=True)
    assert "15-Jan-2190" in page
    assert "SYNC2" not in desk("doctor").get("/offline-entries").get_data(as_text=True)
    assert "Offline entries need correction" in desk("nurse").get("/notifications").get_data(as_text=True)


def test_put_right_and_sent_again_it_is_saved_and_its_copy_gone(db, program):
    client = program("nurse")
    send(client, {"model": "patient", "key": "SYNC1", "fields": JANE | {"gender": "?"}})
    assert send(client, {"model": "patient", "key": "SYNC1", "fields": JANE})["status"] == "success"
    row = db.session.scalars(select(OfflineEntry)).one()
    assert (row.fields, row.refusal) == (None, None)
    assert row.record_id is not None


def test_the_person_says_done(db, program, desk, person):
    send(program("nurse"), {"model": "patient", "key": "SYNC1", "fields": JANE | {"gender": "?"}})
    entry_id = db.session.scalars(select(OfflineEntry.id)).one()
    with pytest.raises(NotFound):
        actions.settle(entry_id, by=person("doctor"))
    own = desk("nurse")
    assert own.form("/offline-entries").status_code == 303
    assert "No entries to correct" in own.get("/offline-entries").get_data(as_text=True)


def test_nobody_gets_in_by_the_side_door(db, program):
    told = send(program("cashier"), {"model": "patient", "fields": JANE})
    assert told["results"][0]["status"] == 403
    assert patients(db) == 0


@pytest.mark.parametrize(
    "item",
    [None, 7, "patient", [], {}, {"model": "user", "key": "k", "fields": {}}, {"model": "patient", "fields": {}},
     {"model": "patient", "key": "x" * 101, "fields": {}}, {"model": ["patient"], "key": "k", "fields": {}},
     {"model": "patient", "key": "k", "fields": []}, {"model": "patient", "key": {"a": 1}, "fields": {}}],
)  # fmt: skip
def test_what_is_no_entry_is_said_to_be_none(db, program, item):
    result = send(program("nurse"), item)["results"][0]
    assert (result["status"], result["created"]) == (400, False)


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": "x"}, {"batch": [{}] * 101}, []])
def test_what_is_no_batch_is_refused(db, program, body):
    assert program("nurse").post("/api/sync_offline_data/", json=body).status_code == 400
