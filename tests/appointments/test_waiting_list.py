"""The waiting list: who waits, which places are offered, one press books, and the entry ends; pages, API and a race."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.absences import actions as absences
from hms.appointments.bookings import actions as bookings
from hms.appointments.models import Appointment, WaitingListEntry
from hms.appointments.queue import transitions
from hms.appointments.visit_types import actions as visit_types
from hms.appointments.waiting_list import actions, queries
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.patients.death import actions as deaths
from hms.patients.merging import actions as merging
from hms.patients.records import actions as records
from hms.staff import request_user
from hms.staff.models import User
from tests.appointments import factories
from tests.appointments.factories import MONDAY

TEN, DAY = dt.time(10), dt.timedelta(days=1)
WEEK = {"first_day": MONDAY, "last_day": MONDAY + 6 * DAY}


def _book(doctor, time=TEN, day=MONDAY):
    patient_id = factories.patient("Booked").id
    return bookings.book(patient_id=patient_id, doctor_id=doctor.id, date=day, time=time, by=SYSTEM)


def _wait(doctor, name="Waiting", **more) -> WaitingListEntry:
    values = WEEK | {"patient_id": factories.patient(name).id, "doctor_id": doctor.id} | more
    return actions.add_to_waiting_list(**values, by=SYSTEM)


def _cancel(booking) -> None:
    transitions.change_appointment_status(booking.id, "cancelled", by=SYSTEM)


def _offered() -> list[tuple]:
    return [(place.date, place.time, [entry.id for entry in place.entries]) for place in queries.list_freed_places()]


def test_a_cancelled_or_moved_place_is_offered_to_those_who_wait_for_it(bah, person):
    cole = factories.doctor("dr.cole", last_name="Cole")
    long = visit_types.save_visit_type(name="Long", mark="L", colour="red", minutes=30, by=person("admin"))
    ten, quarter, late = _book(bah), _book(bah, dt.time(10, 15)), _book(bah, dt.time(11))
    low, urgent = _wait(bah, priority=4), _wait(bah, priority=2)
    _wait(cole), _wait(bah, first_day=MONDAY + 7 * DAY, last_day=MONDAY + 8 * DAY)
    typed = _wait(bah, visit_type_id=long.id, doctor_id=None)
    assert _offered() == [], "nothing is free"
    _cancel(ten)
    assert _offered() == [(MONDAY, TEN, [urgent.id, low.id])], "a visit of 30 minutes does not fit"
    bookings.move(quarter.id, date=MONDAY + DAY, time=TEN, by=SYSTEM)
    quarter_past = (MONDAY, dt.time(10, 15), [urgent.id, typed.id, low.id])
    assert _offered() == [(MONDAY, TEN, [urgent.id, typed.id, low.id]), quarter_past]
    taken = _book(bah)
    assert _offered() == [quarter_past], "what is booked again is not offered"
    _cancel(taken), _cancel(late)
    starts = clock.at(MONDAY, dt.time(10))
    away = absences.record_absence(bah.id, starts=starts, ends=starts + dt.timedelta(hours=4), by=SYSTEM)
    assert _offered() == [], "nor what the doctor cannot give any more"
    absences.remove_absence(away.absence.id, by=SYSTEM)
    booking = actions.book_from_waiting_list(urgent.id, doctor_id=bah.id, date=MONDAY, time=TEN, by=person("nurse"))
    assert (booking.patient_id, booking.status) == (urgent.patient_id, "scheduled")
    assert urgent.id not in {entry for _day, _time, entries in _offered() for entry in entries}
    with pytest.raises(Conflict, match="booked from the waiting list already"):
        actions.book_from_waiting_list(urgent.id, doctor_id=bah.id, date=MONDAY, time=dt.time(11), by=SYSTEM)


def test_places_that_are_booked_again_hide_no_free_one(bah, monkeypatch):
    monkeypatch.setattr(queries, "MAX_PAIRS", 8)
    monkeypatch.setattr(queries, "MAX_TRIED", 2)
    queries._pairs_statement.cache_clear()
    for at in (TEN, dt.time(10, 15), dt.time(10, 30)):
        _cancel(_book(bah, at)), _book(bah, at)
    entries = [_wait(bah).id for _n in range(4)]
    _cancel(_book(bah, dt.time(11)))
    offered = _offered()
    queries._pairs_statement.cache_clear()
    assert offered == [(MONDAY, dt.time(11), entries[:2])]


def test_what_cannot_be_on_the_list(bah, person):
    patient_id, by = factories.patient().id, person("receptionist")
    values = WEEK | {"patient_id": patient_id, "doctor_id": bah.id}
    entry = actions.add_to_waiting_list(**values, by=by)
    for change, error in (
        ({}, Conflict),
        ({"doctor_id": None}, RuleBroken),
        ({"doctor_id": 999_999}, RuleBroken),
        ({"doctor_id": None, "department_id": 999_999}, RuleBroken),
        ({"doctor_id": None, "visit_type_id": 999_999}, RuleBroken),
        ({"last_day": MONDAY - DAY}, RuleBroken),
        ({"first_day": clock.today() - 2 * DAY, "last_day": clock.today() - DAY}, RuleBroken),
        ({"last_day": dt.date(9999, 12, 31)}, RuleBroken),
        ({"first_day": dt.date(1, 1, 1)}, RuleBroken),
        ({"priority": 9, "doctor_id": factories.doctor("dr.x").id}, RuleBroken),
        ({"patient_id": 999_999}, RuleBroken),
    ):
        with pytest.raises(error):
            actions.add_to_waiting_list(**(values | change), by=by)
    for when in ({"date": MONDAY - DAY}, {"doctor_id": factories.doctor("dr.y").id}):
        with pytest.raises(RuleBroken, match="waits for"):
            actions.book_from_waiting_list(
                entry.id, **({"doctor_id": bah.id, "date": MONDAY, "time": TEN} | when), by=by
            )
    with pytest.raises(RuleBroken, match="Enter the reason"):
        actions.withdraw_from_waiting_list(entry.id, reason=" ", by=by)
    with pytest.raises(NotAllowed):
        actions.withdraw_from_waiting_list(entry.id, reason="Other", by=person("lab"))
    actions.withdraw_from_waiting_list(entry.id, reason="Seen elsewhere", by=by)
    with pytest.raises(Conflict, match="taken off"):
        actions.withdraw_from_waiting_list(entry.id, reason="Seen elsewhere", by=by)
    assert actions.add_to_waiting_list(**values, by=by).id != entry.id


def test_who_dies_waits_no_more_and_who_waits_is_not_withdrawn(bah, person):
    entry = _wait(bah)
    with pytest.raises(Conflict, match="on the waiting list"):
        records.withdraw_patient(entry.patient_id, reason="Registered twice", by=person("admin"))
    deaths.record_death(entry.patient_id, died_on=None, by=person("doctor"))
    ended = database.session.get(WaitingListEntry, entry.id, populate_existing=True)
    assert (ended.withdrawn_reason, ended.withdrawn_by_id) == ("The patient has died", None)


def test_two_records_that_wait_for_the_same_place_are_merged_after_one_is_taken_off(bah, person):
    first, second = _wait(bah), _wait(bah, "Kadie")
    nurse = person("nurse")
    with pytest.raises(Conflict, match="wait for the same place"):
        merging.request_merge(first.patient_id, second.patient_id, reason="Twice", by=nurse)
    actions.withdraw_from_waiting_list(second.id, reason="Twice", by=person("receptionist"))
    assert merging.request_merge(first.patient_id, second.patient_id, reason="Twice", by=nurse).status == "waiting"


def test_one_of_many_who_press_at_once_gets_the_place(in_parallel):
    doctor = factories.doctor()
    factories.hours(doctor.id)
    entries, doctor_id = [_wait(doctor, f"Given{number}").id for number in range(4)], doctor.id
    front = request_user.load_active_person(
        database.session.scalars(select(User.id).filter_by(username="receptionist")).one()
    )

    def booking(entry_id):
        place = {"doctor_id": doctor_id, "date": MONDAY, "time": TEN}
        return lambda: actions.book_from_waiting_list(entry_id, **place, by=front).id

    results = in_parallel([booking(entry_id) for entry_id in [*entries, entries[0]]])
    assert [isinstance(result, Conflict) for result in results].count(False) == 1
    ended = select(WaitingListEntry.id).where(WaitingListEntry.appointment_id.is_not(None))
    assert len(database.session.scalars(ended).all()) == len(database.session.scalars(select(Appointment)).all()) == 1


def test_the_api_keeps_the_waiting_list(program, bah):
    api, patient_id = program("receptionist"), factories.patient().id
    days = {"first_day": MONDAY.isoformat(), "last_day": (MONDAY + DAY).isoformat()}
    body = {"patient": patient_id, "doctor": bah.id, "priority": 2, "notes": "Cough"} | days
    made = api.post("/api/waiting-list/", json=body)
    assert (made.status_code, made.json["status"], made.json["priority"]) == (201, "waiting", 2)
    assert api.post("/api/waiting-list/", json=body).json["code"] == "already_waiting"
    _cancel(_book(bah))
    places = api.get("/api/waiting-list/freed-places/").json
    assert [(place["time"], [one["id"] for one in place["waiting"]]) for place in places] == [
        ("10:00:00", [made.json["id"]])
    ]
    where, place = (
        f"/api/waiting-list/{made.json['id']}/",
        {"doctor": bah.id, "date": MONDAY.isoformat(), "time": "10:00"},
    )
    assert api.get(where).headers["ETag"] == '"1"'
    for wrong in ({"doctor": True}, {"date": "x"}, {"time": "25:00"}, {"duration_minutes": 10**30}):
        assert api.post(f"{where}book/", json=place | wrong).status_code == 400, wrong
    booked = api.post(f"{where}book/", json=place, headers={"Idempotency-Key": "w1"})
    assert (booked.status_code, booked.json["notes"]) == (201, "Cough")
    assert api.post(f"{where}book/", json=place, headers={"Idempotency-Key": "w1"}).json == booked.json
    assert api.get(where).json["appointment"] == booked.json["id"]
    assert api.post(f"{where}withdraw/", json={"reason": "Other"}).json["code"] == "booked"
    assert api.get("/api/waiting-list/?is_waiting=true").json == []
    assert [row["id"] for row in api.get(f"/api/waiting-list/?patient={patient_id}").json] == [made.json["id"]]
    for wrong in ({"patient": 2**64}, {"priority": 9}, {"first_day": "x"}, {"doctor": None}):
        assert api.post("/api/waiting-list/", json=body | wrong).status_code == 400, wrong
    assert program("lab").get("/api/waiting-list/").status_code == 403


def test_who_waits_for_what_is_booked_already_is_shown_as_booked(bah, desk, program):
    entry, other = _wait(bah), _wait(bah, first_day=MONDAY + 7 * DAY, last_day=MONDAY + 8 * DAY)
    for waiting, minute in ((entry, 0), (other, 30)):
        at = {"date": MONDAY, "time": dt.time(10, minute)}
        bookings.book(patient_id=waiting.patient_id, doctor_id=bah.id, **at, by=SYSTEM)
    answers = {row["id"]: row["booked_on"] for row in program("receptionist").get("/api/waiting-list/").get_json()}
    assert answers == {entry.id: MONDAY.isoformat(), other.id: None}, "the other one wants a later week"
    page = desk("receptionist").get("/appointments/waiting-list").get_data(as_text=True)
    assert page.count("has an appointment on") == 1
