"""Holidays and visit types: pages, API and database together."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.availability import queries as availability
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.holidays import actions as holidays
from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.appointments.visit_types import actions as visit_types
from hms.core import clock
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, RuleBroken, StaleVersion
from tests.appointments import factories
from tests.appointments.factories import MONDAY

TEN = dt.time(10)
DAY = dt.timedelta(days=1)


@pytest.fixture
def book(bah, person):
    def booked(time=TEN, **more):
        values = {"patient_id": factories.patient().id, "doctor_id": bah.id, "date": MONDAY} | more
        return booking_actions.book(time=time, by=person("receptionist"), **values)

    return booked


def test_nobody_is_booked_on_a_holiday_and_those_who_are_stay(book, bah, person, desk):
    booked = book()
    row = holidays.add_holiday(date=MONDAY, name="Independence  Day", by=person("receptionist"))
    assert (row.day, row.name) == (MONDAY, "Independence Day")
    listed = desk("receptionist").get(f"/appointments/holidays/{row.id}").get_data(as_text=True)
    assert "1 patient is still booked on this day" in listed
    assert f"/appointments/{booked.id}" in listed
    assert booked.status == "scheduled"
    with pytest.raises(RuleBroken, match="This day is a holiday: Independence Day") as refused:
        book(dt.time(11))
    assert (refused.value.field, refused.value.code) == ("date", "holiday")
    lone = factories.doctor("dr.lone", last_name="Lone")
    with pytest.raises(RuleBroken, match="holiday"):
        book(dt.time(11), doctor_id=lone.id)
    assert availability.list_free_slots(bah.id, MONDAY) == []
    assert availability.find_next_free_slot(bah.id, clock.at(MONDAY, dt.time(0)))[0] == MONDAY + DAY
    assert availability.find_next_clinic_day(MONDAY - DAY, bah.id) == MONDAY + DAY
    assert availability.list_absences(MONDAY, MONDAY, [bah.id]) == []
    holidays.remove_holiday(row.id, by=person("receptionist"))
    assert book(dt.time(11)).date == MONDAY
    actions = database.session.scalars(select(AuditEntry.action).filter_by(entity="holiday").order_by(AuditEntry.id))
    assert list(actions) == ["appointments.add_holiday", "appointments.remove_holiday"]


def test_a_holiday_is_on_every_board(bah, person, desk):
    holidays.add_holiday(date=MONDAY, name="Eid", by=person("receptionist"))
    query, at = f"date={MONDAY.isoformat()}", desk("receptionist")
    for page in (f"?{query}", f"sheet?{query}", f"week?doctor={bah.id}&{query}"):
        assert "Eid" in at.get(f"/appointments/{page}").get_data(as_text=True), page
    assert "slot--free" not in at.get(f"/appointments/?{query}").get_data(as_text=True)
    slots = at.get(f"/appointments/slots?doctor={bah.id}&{query}").get_data(as_text=True)
    assert "This day is a holiday: Eid." in slots
    assert "take-next" in slots


def test_what_cannot_be_a_holiday(db, person):
    by = person("receptionist")
    holidays.add_holiday(date=MONDAY, name="Eid", by=by)
    with pytest.raises(Conflict, match="already a holiday"):
        holidays.add_holiday(date=MONDAY, name="Feast", by=by)
    for change in ({"date": clock.today() - DAY}, {"date": dt.date(9999, 12, 31)}, {"name": "  "}, {"name": "x" * 61}):
        with pytest.raises(RuleBroken):
            holidays.add_holiday(**({"date": MONDAY + DAY, "name": "Feast"} | change), by=by)
    with pytest.raises(NotAllowed):
        holidays.add_holiday(date=MONDAY + DAY, name="Feast", by=person("doctor"))
    old = holidays.add_holiday(date=clock.today(), name="Today", by=by).id
    with clock.frozen_at(clock.now() + DAY), pytest.raises(Conflict, match="is over"):
        holidays.remove_holiday(old, by=by)


def test_the_api_keeps_holidays(program, book):
    book()
    api = program("receptionist")
    body = {"date": MONDAY.isoformat(), "name": "Eid"}
    made = api.post("/api/holidays/", json=body)
    assert (made.status_code, made.json["open_appointments"]) == (201, 1)
    assert api.post("/api/holidays/", json=body).status_code == 409
    for wrong in ({"date": "25/12/2026"}, {"date": "2020-01-01"}, {"name": ""}, {"name": None}, {"name": "x" * 61}):
        answer = api.post("/api/holidays/", json={"date": "2027-12-25", "name": "Christmas"} | wrong)
        assert (answer.status_code, list(answer.json)[0]) == (400, list(wrong)[0]), wrong
    other = api.post("/api/holidays/", json={"date": (MONDAY + DAY).isoformat(), "name": "Boxing Day"}).json
    assert [row["name"] for row in api.get("/api/holidays/").json] == ["Eid", "Boxing Day"]
    assert [row["name"] for row in api.get(f"/api/holidays/?date={other['date']}").json] == ["Boxing Day"]
    assert [row["name"] for row in program("lab").get("/api/holidays/?ordering=name").json] == ["Boxing Day", "Eid"]
    assert program("doctor").post("/api/holidays/", json=body).status_code == 403
    assert program("doctor").delete(f"/api/holidays/{other['id']}/").status_code == 403
    assert api.delete(f"/api/holidays/{other['id']}/").status_code == 204
    assert api.get(f"/api/holidays/{other['id']}/").status_code == 404


@pytest.fixture
def types(db, person):
    def made(name="Follow-up", mark="F", minutes=10, colour="teal", **more):
        values = {"name": name, "mark": mark, "minutes": minutes, "colour": colour} | more
        return visit_types.save_visit_type(**values, by=person("admin"))

    return made


def test_the_length_follows_the_visit_type(book, bah, types, person):
    long, short = types("First visit", "N", 40, "violet"), types()
    first = book(visit_type_id=long.id)
    assert first.duration_minutes == 40
    assert book(dt.time(9), visit_type_id=short.id).duration_minutes == 10
    assert book(dt.time(8), visit_type_id=short.id, duration_minutes=25).duration_minutes == 25
    free = [f"{slot.time:%H:%M}" for slot in availability.list_free_slots(bah.id, MONDAY, minutes=40)]
    assert free == ["09:15", "10:45", "11:00", "11:15"]
    with pytest.raises(booking_actions.SlotTaken) as refused:
        book(dt.time(9, 30), visit_type_id=long.id)
    assert refused.value.alternative == (MONDAY, dt.time(10, 45))
    other = factories.doctor("dr.cole", last_name="Cole")
    moved = booking_actions.move(first.id, date=MONDAY, time=TEN, doctor_id=other.id, by=person("receptionist"))
    assert (moved.duration_minutes, moved.visit_type_id) == (40, long.id)
    changed = transitions.edit_appointment(first.id, visit_type_id=short.id, by=person("receptionist"))
    old = database.session.get(Appointment, changed.rescheduled_from_id)
    assert (changed.visit_type_id, changed.duration_minutes) == (short.id, 10)
    assert (old.visit_type_id, old.duration_minutes) == (long.id, 40), "the old time keeps its type"
    transitions.change_appointment_status(first.id, "cancelled", by=person("receptionist"))
    with pytest.raises(RuleBroken):
        transitions.edit_appointment(first.id, visit_type_id=long.id, duration_minutes=10, by=person("receptionist"))
    assert changed.visit_type_id == short.id


def test_the_pages_and_the_api_show_the_visit_type(book, bah, types, person, desk, program):
    long, short = types("First visit", "N", 40, "violet"), types()
    first, at, query = book(visit_type_id=long.id), desk("receptionist"), f"date={MONDAY.isoformat()}"
    for page in (f"?{query}", f"?view=list&{query}", f"{first.id}", f"week?doctor={bah.id}&{query}"):
        assert "visit-mark--violet" in at.get(f"/appointments/{page}").get_data(as_text=True), page
    slots = at.get(f"/appointments/slots?doctor={bah.id}&{query}&visit_type={long.id}").get_data(as_text=True)
    assert slots.count('type="radio"') == 9
    api = program("receptionist")
    body = {"patient": factories.patient().id, "doctor": bah.id, "date": MONDAY.isoformat(), "time": "11:00"}
    made = api.post("/api/appointments/", json=body | {"visit_type_id": short.id}).json
    expected = {"visit_type": short.id, "visit_type_name": "Follow-up", "duration_minutes": 10}
    assert expected.items() <= made.items()
    changed = api.put(f"/api/appointments/{made['id']}/", json={"visit_type": long.id}).json
    assert (changed["visit_type"], changed["duration_minutes"]) == (long.id, 40)
    of_type = {row["id"] for row in api.get(f"/api/appointments/?visit_type={long.id}").json}
    assert {first.id, made["id"]} <= of_type
    for wrong in (2**63, "x", True, 1.5, 999_999):
        assert api.post("/api/appointments/", json=body | {"visit_type": wrong}).status_code == 400
    with pytest.raises(NotAllowed):
        transitions.edit_appointment(made["id"], visit_type_id=short.id, by=person("nurse"))


def test_visit_types_are_kept_by_administrators(types, person, book):
    row = types("Dressing", "dr", 20, "red")
    for wrong in ({"mark": "DR"}, {"name": "dressing"}):
        with pytest.raises(Conflict):
            types(**wrong) if "name" in wrong else types("Other", **wrong)
    for wrong in ({"minutes": 4}, {"minutes": 481}, {"colour": "plaid"}, {"mark": " "}, {"mark": "abcd"}, {"name": ""}):
        with pytest.raises(RuleBroken) as refused:
            types(**wrong)
        assert refused.value.field == next(iter(wrong))
    visit_types.set_visit_type_open(row.id, is_active=False, by=person("admin"))
    with pytest.raises(RuleBroken, match="is closed"):
        book(visit_type_id=row.id)
    visit_types.set_visit_type_open(row.id, is_active=True, by=person("admin"))


def test_the_api_keeps_visit_types(types, program):
    row, api = types("Dressing", "dr", 20, "red"), program("admin")
    stored = api.get(f"/api/visit-types/{row.id}/")
    body = {"name": "Wound care", "duration_minutes": 30}
    changed = api.put(f"/api/visit-types/{row.id}/", json=body, headers={"If-Match": stored.headers["ETag"]})
    assert (changed.json["name"], changed.json["mark"], changed.json["duration_minutes"]) == ("Wound care", "dr", 30)
    stale = api.put(f"/api/visit-types/{row.id}/", json=body, headers={"If-Match": stored.headers["ETag"]})
    assert stale.status_code == 412
    with pytest.raises(StaleVersion):
        types(visit_type_id=row.id, version=1)
    made = api.post(
        "/api/visit-types/",
        json={"name": "A", "mark": "A", "colour": "blue", "duration_minutes": 5, "is_active": False},
    )
    assert made.json["is_active"] is False
    assert [one["name"] for one in program("nurse").get("/api/visit-types/").json] == ["A", "Wound care"]
    assert [one["name"] for one in program("nurse").get("/api/visit-types/?is_active=true").json] == ["Wound care"]
    assert program("nurse").post("/api/visit-types/", json=body).status_code == 403
