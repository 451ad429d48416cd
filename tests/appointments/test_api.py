"""The API of bookings and the queue: fields, roles, and bad input."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.bookings import actions
from hms.core import clock
from hms.core.person import SYSTEM
from tests.appointments import factories
from tests.appointments.factories import MONDAY

TEN = dt.time(10)


@pytest.fixture
def body(bah):
    return {"patient": factories.patient().id, "doctor": bah.id, "date": MONDAY.isoformat(), "time": "10:00:00"}


@pytest.fixture
def booking(body):
    day = dt.date.fromisoformat(body["date"])
    return actions.book(
        patient_id=body["patient"], doctor_id=body["doctor"], date=day, time=TEN, notes="Pain", by=SYSTEM
    )


def test_a_booking_is_made_and_read_with_all_fields(program, body):
    made = program("receptionist").post("/api/appointments/", json=body | {"notes": "Regular checkup"})
    assert made.status_code == 201
    expected = body | {"status": "scheduled", "notes": "Regular checkup", "patient_name": "Kadiatu Kamara"}
    assert expected.items() <= made.json.items()
    assert made.json["doctor_name"] == "Dr Amadu Bah"
    assert program("nurse").get(f"/api/appointments/{made.json['id']}/").json == made.json


def test_field_aliases_are_accepted(program, body):
    other = {
        "patient_id": body["patient"],
        "doctor_id": body["doctor"],
        "appointment_date": body["date"],
        "appointment_time": "10:15",
    }
    assert program("admin").post("/api/appointments/", json=other).json["time"] == "10:15:00"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patient": None}, {"patient": ["This field may not be null."]}),
        ({"patient": "x"}, {"patient": ["Incorrect type. Expected pk value."]}),
        ({"patient": [1]}, {"patient": ["Incorrect type. Expected pk value."]}),
        ({"patient": True}, {"patient": ["Incorrect type. Expected pk value."]}),
        ({"patient": 9999999}, {"patient": ['Invalid pk "9999999" - object does not exist.']}),
        ({"doctor": 2323}, {"doctor": ['Invalid pk "2323" - object does not exist.']}),
        ({"patient": 2**63}, {"patient": ["Invalid pk."]}),
        ({"status": "Scheduled"}, {"status": ['"Scheduled" is not a valid choice.']}),
        ({"status": 1}, {"status": ["Not a valid string."]}),
        ({"date": "22/11/2026"}, None),
        ({"date": "2026-02-30"}, None),
        ({"date": 20261122}, None),
        ({"date": "0001-01-01"}, {"date": ["Check the year."]}),
        ({"date": "9999-12-31"}, {"date": ["Check the year."]}),
        ({"date": "2020-01-06"}, {"time": ["That time is past. Choose a later one."]}),
        ({"time": "25:00"}, None),
        ({"time": "10"}, None),
        ({"time": "٠٩:٠٠"}, None),
        ({"duration_minutes": 0}, {"duration_minutes": ["Ensure this value is between 5 and 480."]}),
        ({"duration_minutes": True}, {"duration_minutes": ["A valid integer is required."]}),
        ({"notes": "x" * 501}, None),
        ({"notes": "a\u0000b"}, None),
        ({"notes": {"a": 1}}, {"notes": ["Not a valid string."]}),
    ],
)
def test_bad_input_is_400_at_its_field(program, body, change, message):
    answer = program("receptionist").post("/api/appointments/", json=body | change)
    assert answer.status_code == 400
    assert list(answer.json) == list(change)[:1] or message is not None
    assert message is None or message.items() <= answer.json.items()


@pytest.mark.parametrize("sent", [[], "text", 5])
def test_a_body_that_is_no_object_is_400(program, sent):
    assert program("receptionist").post("/api/appointments/", json=sent).status_code == 400


def test_missing_fields_are_all_named(program, db):
    answer = program("receptionist").post("/api/appointments/", json={})
    assert answer.json == {name: ["This field is required."] for name in ("patient", "doctor", "date", "time")}


@pytest.mark.security("B")
def test_overlaps_are_409_with_their_code(program, body, bah):
    client, other = program("receptionist"), factories.doctor("dr.cole", last_name="Cole")
    client.post("/api/appointments/", json=body)
    taken = client.post("/api/appointments/", json=body | {"patient": factories.patient().id, "time": "10:05"})
    assert (taken.status_code, taken.json["code"]) == (409, "doctor_booked")
    assert "10:15" in taken.json["detail"]
    twice = client.post("/api/appointments/", json=body | {"doctor": other.id})
    assert (twice.status_code, twice.json["code"]) == (409, "patient_booked")


@pytest.mark.parametrize("role", ["pharmacist", "cashier", "lab"])
@pytest.mark.security("D")
def test_other_desks_see_only_patient_and_time_and_write_nothing(program, booking, role):
    seen = program(role).get(f"/api/appointments/{booking.id}/").json
    assert set(seen) == {"id", "patient", "date", "time", "status"}
    assert program(role).get("/api/appointments/").json == [seen]
    assert program(role).put(f"/api/appointments/{booking.id}/", json={"status": "cancelled"}).status_code == 403
    assert program(role).post("/api/appointments/", json={}).status_code == 403


@pytest.mark.security("A")
def test_without_a_token_nothing_is_shown(program, db):
    assert program(None).get("/api/appointments/").status_code == 401
    assert program("norole").get("/api/appointments/").status_code == 403


def test_put_moves_and_keeps_the_id(program, booking, body):
    answer = program("receptionist").put(f"/api/appointments/{booking.id}/", json=body | {"time": "11:00:00"})
    assert (answer.status_code, answer.json["id"], answer.json["time"]) == (200, booking.id, "11:00:00")
    listed = program("receptionist").get("/api/appointments/?status=rescheduled").json
    assert [row["time"] for row in listed] == ["10:00:00"]


def test_a_put_changes_notes_length_and_status(program, booking):
    change = {"notes": "Fever", "status": "cancelled", "duration_minutes": 30}
    answer = program("admin").put(f"/api/appointments/{booking.id}/", json=change)
    assert change.items() <= answer.json.items()


@pytest.mark.security("D")
def test_a_nurse_changes_only_the_status(program, booking, body):
    client = program("nurse")
    same = client.put(f"/api/appointments/{booking.id}/", json=body | {"status": "cancelled"})
    assert (same.status_code, same.json["status"]) == (200, "cancelled")
    other = client.put(f"/api/appointments/{booking.id}/", json={"notes": "other"})
    assert other.status_code == 403
    assert "notes" in other.json["detail"]


@pytest.mark.security("D")
def test_a_doctor_changes_only_their_own(program, booking, person, body):
    me = person("doctor")
    assert program("doctor").put(f"/api/appointments/{booking.id}/", json={"status": "cancelled"}).status_code == 404
    own = actions.book(patient_id=factories.patient().id, doctor_id=me.id, date=MONDAY, time=TEN, by=SYSTEM)
    assert program("doctor").put(f"/api/appointments/{own.id}/", json={"status": "cancelled"}).status_code == 200


def test_another_patient_or_an_impossible_status_is_400(program, booking):
    client = program("receptionist")
    swapped = client.put(f"/api/appointments/{booking.id}/", json={"patient": factories.patient().id})
    assert list(swapped.json) == ["patient"]
    client.put(f"/api/appointments/{booking.id}/", json={"status": "cancelled"})
    assert client.put(f"/api/appointments/{booking.id}/", json={"status": "no_show"}).status_code == 400


def test_if_match_refuses_an_older_version_with_the_present_state(program, booking):
    client = program("receptionist")
    tag = client.get(f"/api/appointments/{booking.id}/").headers["ETag"]
    path = f"/api/appointments/{booking.id}/"
    assert client.put(path, json={"notes": "one"}, headers={"If-Match": tag}).status_code == 200
    stale = client.put(path, json={"notes": "two"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json["notes"]) == (412, "one")


@pytest.mark.security("B")
def test_delete_withdraws_and_is_for_administrators(program, booking):
    path = f"/api/appointments/{booking.id}/"
    assert program("receptionist").delete(path).status_code == 403
    assert program("admin").delete(path).status_code == 204
    assert program("admin").get(path).status_code == 404
    assert program("admin").delete(path).status_code == 404
    assert program("admin").get("/api/appointments/").json == []


@pytest.mark.security("B")
def test_a_withdrawn_appointment_is_restored_by_administrators(program, booking):
    path = f"/api/appointments/{booking.id}/"
    assert program("admin").delete(path).status_code == 204
    assert program("receptionist").post(f"{path}restore/").status_code == 403
    assert program("admin").post(f"{path}restore/").status_code == 204
    assert program("receptionist").get(path).json["status"] == "scheduled"


def test_filters_narrow_the_list(program, booking, bah):
    other = actions.book(
        patient_id=factories.patient().id, doctor_id=bah.id, date=MONDAY + dt.timedelta(days=1), time=TEN, by=SYSTEM
    )
    client, day = program("receptionist"), MONDAY.isoformat()

    def ids(query):
        return [row["id"] for row in client.get(f"/api/appointments/?{query}").json]

    assert ids("") == [other.id, booking.id]
    assert ids("ordering=date") == [booking.id, other.id]
    assert ids(f"date={day}") == [booking.id]
    assert ids(f"date_from={day}&date_to={day}") == [booking.id]
    assert ids(f"patient_id={booking.patient_id}") == [booking.id]
    assert ids(f"doctor={bah.id}&upcoming=true") == [booking.id, other.id]
    assert ids("status=completed") == []
    page = client.get("/api/appointments/?upcoming=true&limit=1").json
    assert (page["count"], len(page["results"])) == (2, 1)


@pytest.mark.parametrize(
    "query", ["date=tomorrow", "patient=x", "doctor_id=-1", "status=Booked", "ordering=notes", "page=0"]
)
def test_unusable_filters_are_400(program, db, query):
    answer = program("receptionist").get(f"/api/appointments/?{query}")
    assert answer.status_code == 400
    assert list(answer.json) == [query.split("=")[0]]


def test_the_queue_is_listed_in_the_order_of_calling(program, bah):
    late = factories.waiting(factories.patient().id, minutes_ago=5)
    urgent = factories.waiting(factories.patient().id, priority=1, doctor_id=bah.id)
    client = program("nurse")
    rows = client.get("/api/queue/").json
    assert [row["token"] for row in rows] == [urgent.token, late.token]
    assert rows[0]["doctor_name"] == "Dr Amadu Bah"
    assert client.get("/api/queue/?show=done").json == []
    assert client.get("/api/queue/?show=all").status_code == 400


@pytest.mark.parametrize("path", ["/api/appointments/", "/api/queue/"])
def test_a_list_needs_as_many_queries_for_a_hundred_rows_as_for_ten(program, bah, path):
    client, counts = program("receptionist"), []
    start = clock.at(MONDAY, dt.time(0))
    for number in range(100):
        patient = factories.patient(f"Given{number}")
        at = clock.local(start + dt.timedelta(minutes=20 * number))
        actions.book(patient_id=patient.id, doctor_id=bah.id, date=at.date(), time=at.time(), by=SYSTEM)
        factories.waiting(patient.id)
        if number in (9, 98):
            client.get(path)
            counts.append(client.get(path).headers["X-Queries"])
    assert len(client.get(path).json) == 100
    assert counts[0] == counts[1]


def test_programs_keep_clinic_hours_and_see_free_times(program, db):
    bah = factories.doctor()
    admin, desk = program("admin"), program("receptionist")
    day = factories.next_weekday(5)
    added = {"doctor": bah.id, "weekday": 5, "starts": "09:00", "ends": "10:00", "slot_minutes": 30, "capacity": 2}
    assert desk.post("/api/clinic-hours/", json=added).status_code == 403
    hours = admin.post("/api/clinic-hours/", json=added).get_json()
    assert (hours["starts"], hours["valid_from"], hours["valid_to"]) == ("09:00:00", clock.today().isoformat(), None)
    for change, status, field in (
        ({}, 409, "detail"),
        ({"ends": "08:00"}, 400, "ends"),
        ({"weekday": 7}, 400, "weekday"),
        ({"capacity": "1E+999999999"}, 400, "capacity"),
        ({"doctor": 999_999}, 400, "doctor"),
    ):
        refused = admin.post("/api/clinic-hours/", json=added | change)
        assert (refused.status_code, field in refused.get_json()) == (status, True), change
    of_day = {"doctor": bah.id, "weekday": 5, "date": day.isoformat()}
    assert [row["id"] for row in desk.get("/api/clinic-hours/", query_string=of_day).get_json()] == [hours["id"]]
    asked = {"doctor": bah.id, "date": day.isoformat()}
    free = desk.get("/api/free-slots/", query_string=asked).get_json()
    assert free["slots"] == [{"time": time, "duration_minutes": 30, "places": 2} for time in ("09:00:00", "09:30:00")]
    assert desk.get("/api/free-slots/", query_string={"doctor": bah.id}).status_code == 400
    assert desk.get("/api/free-slots/", query_string=asked | {"date": "1800-01-01"}).get_json()["slots"] == []
    ended = admin.post(f"/api/clinic-hours/{hours['id']}/end/").get_json()
    assert ended["valid_to"] == (clock.today() - dt.timedelta(days=1)).isoformat()
    without = desk.get("/api/free-slots/", query_string=asked).get_json()
    assert (free["next_free"], without["slots"], without["next_free"]) == (None, [], None)
    assert desk.get("/api/clinic-hours/", query_string=of_day).get_json() == []
    assert admin.get("/api/clinic-hours/999999/").status_code == 404
