"""A batch from a device that had no network: each entry as if it were sent now, and none of it lost."""

from __future__ import annotations

import json
from datetime import date

import pytest
from flask import Response
from sqlalchemy import func, select

from hms.appointments.models import Appointment
from hms.core.errors import NotFound
from hms.interop.models import OfflineEntry
from hms.interop.offline import actions, sync
from hms.patients.identity.hospital_numbers import format_hospital_number
from hms.patients.models import Patient
from hms.patients.registration.actions import register_patient
from tests.appointments import factories as clinic

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


@pytest.fixture
def clinic_day(db):
    """The fields of a booking with a free doctor, without the patient."""
    doctor = clinic.doctor()
    clinic.hours(doctor.id)
    return {"doctor": doctor.id, "date": clinic.MONDAY.isoformat(), "time": "09:00:00"}


def test_an_entry_that_met_somebody_else_is_sent_again(program, monkeypatch):
    """ "Busy" is no refusal: the device keeps the entry, and the next batch saves it."""
    client, entry = program("nurse"), {"model": "patient", "fields": JANE}
    busy = Response('{"code": "busy", "detail": "Wait."}', status=409, mimetype="application/json")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sync, "_send", lambda *_: busy)
        assert send(client, entry)["results"][0]["status"] == 409
    assert send(client, entry)["results"][0]["created"] is True


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


def the_patient(db, record_id):
    return db.session.execute(select(Patient.__table__).where(Patient.id == record_id)).one()


def test_an_existing_hospital_number_changes_that_patient(db, program, person):
    who = register_patient(
        given_names="Fatmata", family_name="Kargbo", sex="female", birth_date=date(1980, 5, 6), allergies=["Penicillin"],
        by=person("nurse"),
    )  # fmt: skip
    change = {"unique_id": who.hospital_number, "contact_info": "+23276999888", "known_allergies": ""}
    client = program("nurse")
    result = send(client, {"model": "patient", "fields": change})["results"][0]
    assert (result["status"], result["created"], result["id"]) == (200, False, who.id)
    row = the_patient(db, who.id)
    assert (row.phone, row.given_names, row.allergy_status) == ("+23276999888", "Fatmata", "known")
    assert patients(db) == 1
    again = send(client, {"model": "patient", "key": "K2", "fields": change | {"contact_info": "+23276111222"}})
    assert again["status"] == "success"
    assert send(client, {"model": "patient", "fields": change})["results"][0]["status"] == 200
    assert the_patient(db, who.id).phone == "+23276111222"


def test_a_wrong_or_unknown_hospital_number_makes_no_patient(db, program, person):
    number = register_patient(
        given_names="Fatmata", family_name="Kargbo", sex="female", by=person("nurse")
    ).hospital_number
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    unknown = format_hospital_number(999_999)
    told = send(
        program("nurse"), *({"model": "patient", "fields": JANE | {"unique_id": n}} for n in (mistyped, unknown))
    )
    assert [result["status"] for result in told["results"]] == [400, 404]
    assert told["results"][0]["errors"] == {"unique_id": ["This is not a correct hospital number. Check the number."]}
    assert patients(db) == 1


def test_the_same_key_with_other_fields_is_a_conflict_to_settle(db, program, desk):
    client, entry = program("nurse"), {"model": "patient", "fields": JANE}
    saved = send(client, entry)["results"][0]["id"]
    other = {"model": "patient", "fields": JANE | {"contact_info": "+23276000111"}}
    for _time in range(2):
        told = send(client, other)
        assert told["status"] == "partial"
        assert (told["results"][0]["status"], told["results"][0]["errors"]["code"]) == (409, "conflict")
    assert the_patient(db, saved).phone == "+23276123456"
    page = desk("nurse").get("/offline-entries").get_data(as_text=True)
    assert page.count('data-ux="offline-entry"') == 1
    assert "+23276000111" in page
    assert f'href="/patients/{saved}"' in page
    assert send(client, entry)["results"][0]["status"] == 200
    both = send(client, {"model": "patient", "key": "B", "fields": JANE | {"first_name": "Ann"}},
                {"model": "patient", "key": "B", "fields": JANE | {"first_name": "Joan"}})  # fmt: skip
    assert [result["status"] for result in both["results"]] == [200, 409]


def test_an_entry_refers_to_another_of_its_batch_in_any_order(db, program, clinic_day):
    booking = {"model": "appointment", "key": "A1", "fields": clinic_day | {"patient": "SYNC1"}}
    told = send(program("receptionist"), booking, {"model": "patient", "fields": JANE})
    assert [result["created"] for result in told["results"]] == [True, True]
    row = db.session.execute(select(Appointment.__table__)).one()
    assert (row.id, row.patient_id) == (told["results"][0]["id"], told["results"][1]["id"])
    assert send(program("receptionist"), booking)["results"][0]["id"] == row.id


def test_a_reference_to_what_was_refused_or_is_unknown_is_refused_in_words(db, program, clinic_day):
    wrong = {"model": "patient", "key": "SYNC1", "fields": JANE | {"gender": "?"}}
    booking = {"model": "appointment", "key": "A1", "fields": clinic_day | {"patient": {"key": "SYNC1"}}}
    lost = {"model": "appointment", "key": "A2", "fields": clinic_day | {"patient": "SYNC7"}}
    results = send(program("receptionist"), wrong, booking, lost)["results"]
    assert [result["status"] for result in results] == [400, 400, 400]
    assert "was not accepted" in results[1]["errors"]["patient"][0]
    assert "SYNC7" in results[2]["errors"]["patient"][0]
    assert send(program("receptionist"), booking, wrong | {"fields": JANE})["status"] == "success"


@pytest.mark.parametrize(
    "poison",
    ['"\\u0000"', '"a\\ud800"', "NaN", "-Infinity", "1e999999999999999999999", '{"a":1,"a":2}', "[" * 60 + "]" * 60,
     '"\0"', "9" * 5000, '{"\\u0000":1}'],
    ids=str.__len__,
)  # fmt: skip
def test_a_poisoned_entry_refuses_itself_only(db, program, desk, poison):
    first, last = ({"model": "patient", "fields": JANE | {"unique_id": n, "first_name": n}} for n in ("Ann", "Joan"))
    second = json.dumps({"model": "patient", "fields": JANE | {"unique_id": "P2"}}).replace('"123 Main St"', poison)
    body = f'{{"batch": [{json.dumps(first)}, {second}, {json.dumps(last)}]}}'
    for _time in range(2):
        answer = program("nurse").post("/api/sync_offline_data/", data=body.encode(), content_type="application/json")
        results = answer.get_json()["results"]
        assert [result["status"] for result in results] == [200, 400, 200]
        assert " " in next(iter(results[1]["errors"].values()))[0]
    assert patients(db) == 2
    assert "Jane" in desk("nurse").get("/offline-entries").get_data(as_text=True)


def test_a_refused_amount_with_decimals_is_kept(db, program):
    told = send(
        program("cashier"),
        {"model": "payment", "key": "M1", "fields": {"bill": 999, "amount": 1.505}},
        {"model": "patient", "key": "\0", "fields": JANE},
        {"model": "user", "key": "x", "fields": {"a": 1.5}},
    )
    assert [result["status"] for result in told["results"]] == [400, 400, 400]
    assert db.session.scalars(select(OfflineEntry)).one().fields == {"bill": 999, "amount": "1.505"}


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
