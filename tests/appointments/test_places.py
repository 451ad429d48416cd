"""Several patients at one time, and more of them than there are places."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from hms.appointments.availability import actions as availability_actions
from hms.appointments.availability import queries as availability
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.queue import transitions
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from tests.appointments import factories
from tests.appointments.factories import MONDAY

TEN = dt.time(10)
QUARTER = dt.time(10, 15)


@pytest.fixture
def group(db):
    """A doctor whose hours have two places at a time and allow two more."""
    made = factories.doctor()
    factories.hours(made.id, capacity=2, overbooking=2)
    return made


@pytest.fixture
def book(group, person):
    def booked(time=TEN, *, by="receptionist", **more):
        values = {"patient_id": factories.patient().id, "doctor_id": group.id, "date": MONDAY} | more
        made = booking_actions.book(time=time, by=person(by), **values)
        database.session.refresh(made)
        return made

    return booked


def _left(doctor, at=TEN, **more):
    slots = availability.list_free_slots(doctor.id, MONDAY, **more)
    return next((slot.places for slot in slots if slot.time == at), 0)


def test_places_are_given_taken_back_and_counted(book, group, person):
    assert _left(group) == 2
    first = book()
    assert (first.place, _left(group)) == (1, 1)
    long = book(duration_minutes=30)
    assert (long.place, _left(group), _left(group, QUARTER)) == (2, 0, 1)
    with pytest.raises(booking_actions.SlotTaken) as refused:
        book()
    assert (refused.value.alternative, refused.value.overbooking_left) == ((MONDAY, QUARTER), 2)
    assert _left(group, QUARTER, minutes=30) == 1
    transitions.cancel_appointment(first.id, reason="Other", by=person("receptionist"))
    assert book().place == 1
    with pytest.raises(Conflict):
        transitions.change_appointment_status(first.id, "scheduled", by=person("receptionist"))
    moved = booking_actions.move(long.id, date=MONDAY, time=QUARTER, by=person("receptionist"))
    database.session.refresh(moved)
    assert (moved.place, _left(group)) == (1, 1)


def test_overbooking_has_its_right_its_mark_and_its_end(book, person, group):
    assert (book(is_overbooked=True).is_overbooked, book().place) == (False, 2)
    extra = book(is_overbooked=True)
    assert (extra.is_overbooked, extra.place) == (True, 3)
    with pytest.raises(NotAllowed):
        book(QUARTER, is_overbooked=True, by="nurse")
    for _booking in range(2):
        book(QUARTER)
    assert book(QUARTER, is_overbooked=True).is_overbooked
    with pytest.raises(booking_actions.SlotTaken) as refused:
        book(is_overbooked=True)
    assert refused.value.overbooking_left == 0
    moved = booking_actions.move(extra.id, date=MONDAY, time=dt.time(11), by=person("receptionist"))
    database.session.refresh(moved)
    assert not moved.is_overbooked
    assert book(is_overbooked=True).is_overbooked


def test_the_database_itself_refuses_more_than_there_are_places(book, group):
    """Without the program: a hand-written statement cannot choose a place."""
    book()
    statement = text(
        'INSERT INTO appointment (patient_id, doctor_id, date, "time", duration_minutes, status, notes, status_reason, '
        "version, place) VALUES (:patient, :doctor, :day, '10:00', 15, 'scheduled', '', '', 1, :place)"
    )
    for place, is_taken in ((17, False), (18, True)):
        values = {"patient": factories.patient().id, "doctor": group.id, "day": MONDAY, "place": place}
        if is_taken:
            with pytest.raises(Conflict, match="already has an appointment"), action_context("tests.place", SYSTEM):
                database.session.execute(statement, values)
        else:
            with action_context("tests.place", SYSTEM):
                database.session.execute(statement, values)


def test_pages_and_api_offer_overbooking(book, group, desk, program):
    book(), book()
    at, query = desk("receptionist"), f"date={MONDAY.isoformat()}"
    board = at.get(f"/appointments/?{query}").get_data(as_text=True)
    assert "2 free" in board
    assert "overbook=1" in board
    assert "overbook=1" not in desk("nurse").get(f"/appointments/?{query}").get_data(as_text=True)
    page = at.get(f"/appointments/new?{query}&doctor={group.id}&time=10:00&overbook=1").get_data(as_text=True)
    assert 'name="overbook"' in page
    body = {"patient": factories.patient().id, "doctor": group.id, "date": MONDAY.isoformat(), "time": "10:00"}
    api = program("receptionist")
    assert api.post("/api/appointments/", json=body).status_code == 409
    assert api.post("/api/appointments/", json=body | {"overbook": "maybe"}).status_code == 400
    assert program("nurse").post("/api/appointments/", json=body | {"overbook": True}).status_code == 403
    made = api.post("/api/appointments/", json=body | {"overbook": True}).json
    assert made["is_overbooked"] is True
    for page in (f"?{query}", f"?view=list&{query}", f"sheet?{query}", f"{made['id']}"):
        assert "overbooked" in at.get(f"/appointments/{page}").get_data(as_text=True), page


def test_clinic_hours_have_a_possible_capacity(group, person):
    hours = {"weekday": 0, "starts": dt.time(14), "ends": dt.time(15), "by": person("admin")}
    for wrong in ({"capacity": 0}, {"capacity": 51}, {"overbooking": -1}, {"overbooking": 51}):
        with pytest.raises(RuleBroken) as refused:
            availability_actions.add_hours(group.id, **hours, **wrong)
        assert refused.value.field == next(iter(wrong))
    assert availability_actions.add_hours(group.id, **hours, capacity=50, overbooking=0).capacity == 50
