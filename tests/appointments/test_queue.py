"""Check-in and calling: tokens, calling order, and the status of the booking."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import extensions, transitions
from hms.appointments.queue import queries as queue_queries
from hms.core import clock
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.patients.records import actions as record_actions
from tests.appointments import factories


@pytest.fixture
def bah(db):
    return factories.doctor()


@pytest.fixture
def booked(bah):
    def make(day=None, **more):
        made = more.pop("patient", None) or factories.patient()
        return booking_actions.book(
            patient_id=made.id, doctor_id=bah.id, date=day or clock.today(), time=dt.time(9), by=SYSTEM, **more
        )

    return make


def test_checking_in_gives_the_next_token_and_marks_the_booking(booked, person, bah):
    first = transitions.add_to_queue(factories.patient().id, by=person("receptionist"))
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("receptionist"))
    assert entry.token == first.token + 1
    assert (entry.doctor_id, entry.status, booking.status) == (bah.id, "waiting", "checked_in")


def test_checking_in_twice_or_on_another_day_is_refused(booked, person):
    booking = booked()
    transitions.check_in(booking.id, by=person("receptionist"))
    with pytest.raises(Conflict):
        transitions.check_in(booking.id, by=person("receptionist"))
    with pytest.raises(RuleBroken, match="Move it"):
        transitions.check_in(booked(clock.today() + dt.timedelta(days=1)).id, by=person("receptionist"))


def test_a_patient_is_in_the_queue_only_once(person):
    made = factories.patient()
    entry = transitions.add_to_queue(made.id, by=person("receptionist"))
    with pytest.raises(Conflict, match=f"token {entry.token}"):
        transitions.add_to_queue(made.id, by=person("receptionist"))


def test_a_walk_in_with_a_booking_of_today_is_checked_in(booked, person):
    booking = booked()
    entry = transitions.add_to_queue(booking.patient_id, by=person("receptionist"))
    assert (entry.appointment_id, booking.status) == (booking.id, "checked_in")


def test_undoing_a_check_in_opens_the_booking_again(booked, person):
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("receptionist"))
    transitions.undo_check_in(entry.id, by=person("receptionist"))
    assert (entry.status, booking.status) == ("cancelled", "scheduled")
    again = transitions.check_in(booking.id, by=person("receptionist"))
    assert again.token == entry.token + 1


def test_undoing_a_check_in_is_refused_after_the_call(person):
    entry = transitions.add_to_queue(factories.patient().id, by=person("receptionist"))
    queue_actions.call_patient(entry.id, by=person("nurse"))
    with pytest.raises(Conflict):
        transitions.undo_check_in(entry.id, by=person("receptionist"))


def test_the_next_is_called_by_priority_then_arrival(person):
    late = factories.waiting(factories.patient().id, minutes_ago=5)
    early = factories.waiting(factories.patient().id, minutes_ago=50)
    urgent = factories.waiting(factories.patient().id, minutes_ago=1, priority=2)
    called = [queue_actions.call_next(by=person("nurse")).id for _turn in range(3)]
    assert called == [urgent.id, early.id, late.id]
    assert queue_actions.call_next(by=person("nurse")) is None


def test_a_doctor_calls_their_own_patients_and_those_who_wait_for_any(bah, person):
    factories.waiting(factories.patient().id, minutes_ago=50, doctor_id=bah.id)
    anybody = factories.waiting(factories.patient().id, minutes_ago=5)
    me = person("doctor")
    assert queue_actions.call_next(by=me).id == anybody.id
    assert (anybody.doctor_id, anybody.called_by_id) == (me.id, me.id)
    assert queue_actions.call_next(by=me) is None


def test_yesterdays_queue_is_not_called(person):
    factories.waiting(factories.patient().id, minutes_ago=5)
    entry = factories.waiting(factories.patient().id, minutes_ago=5)
    entry.service_date = clock.today() - dt.timedelta(days=1)
    assert queue_actions.call_next(by=person("nurse")).id != entry.id
    assert queue_actions.call_next(by=person("nurse")) is None


def test_a_second_call_is_refused_with_the_name_of_the_first_caller(person):
    entry = factories.waiting(factories.patient().id)
    queue_actions.call_patient(entry.id, by=person("nurse"))
    with pytest.raises(Conflict, match="Nurse called this patient at"):
        queue_actions.call_patient(entry.id, by=person("doctor"))
    assert queue_actions.call_patient(entry.id, by=person("nurse")).status == "called"
    assert queue_actions.undo_call(entry.id, by=person("doctor")).called_at is None


def test_the_booking_status_follows_the_queue(booked, person):
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("nurse"))
    doctor = person("doctor")
    queue_actions.start_service(entry.id, by=doctor)
    assert (entry.status, booking.status) == ("in_service", "in_service")
    queue_actions.start_service(entry.id, by=doctor)
    queue_actions.finish_service(entry.id, by=doctor)
    queue_actions.finish_service(entry.id, by=doctor)
    assert (entry.status, booking.status) == ("done", "completed")


def test_a_patient_who_left_is_a_no_show_until_they_come_back(booked, person):
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("nurse"))
    queue_actions.mark_as_left(entry.id, by=person("nurse"))
    assert (entry.status, booking.status) == ("left", "no_show")
    token = entry.token
    queue_actions.return_to_queue(entry.id, by=person("nurse"))
    assert (entry.status, entry.token, booking.status) == ("waiting", token, "checked_in")


def test_the_queue_follows_the_booking_status(db, booked, person):
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("nurse"))
    transitions.change_appointment_status(booking.id, "in_service", by=person("nurse"))
    assert entry.status == "in_service"
    transitions.change_appointment_status(booking.id, "completed", by=person("nurse"))
    assert entry.status == "done"
    other = booked(patient=factories.patient("Musa", ""))
    place = transitions.check_in(other.id, by=person("nurse"))
    transitions.cancel_appointment(other.id, reason="Went home", by=person("nurse"))
    assert place.status == "cancelled"


def test_priority_and_doctor_can_be_changed_while_present(bah, person):
    entry = factories.waiting(factories.patient().id)
    assert queue_actions.set_priority(entry.id, "urgent", by=person("nurse")).priority == 2
    assert queue_actions.send_to_doctor(entry.id, bah.id, by=person("nurse")).doctor_id == bah.id
    with pytest.raises(RuleBroken):
        queue_actions.set_priority(entry.id, 5, by=person("nurse"))
    queue_actions.mark_as_left(entry.id, by=person("nurse"))
    with pytest.raises(Conflict):
        queue_actions.set_priority(entry.id, 1, by=person("nurse"))


def test_calling_and_checking_in_need_their_permission(person):
    made = factories.patient()
    with pytest.raises(NotAllowed):
        transitions.add_to_queue(made.id, by=person("pharmacist"))
    with pytest.raises(NotAllowed):
        queue_actions.call_next(by=person("cashier"))


def test_the_board_marks_long_waits_and_same_names(person):
    first = factories.waiting(factories.patient("Foday", "Sesay").id, minutes_ago=90)
    second = factories.waiting(factories.patient("fodáy", "SESAY").id)
    factories.waiting(factories.patient("Musa", "").id)
    rows = queue_queries.list_entries()
    assert [row.id for row in rows[:2]] == [first.id, second.id]
    assert [row.is_long_wait for row in rows] == [True, False, False]
    assert [row.same_name_count for row in rows] == [1, 1, 0]
    assert queue_queries.count_entries() == (3, 0, 0)


def test_other_desks_add_notes_to_the_board(monkeypatch):
    monkeypatch.setattr(extensions, "_sources", [])
    extensions.add_note_source(lambda ids: {ids[0]: "T 38.6 High"})
    extensions.add_note_source(lambda ids: {ids[0]: "BP 178/102 High"})
    assert extensions.collect_notes([4, 5]) == {4: ("T 38.6 High", "BP 178/102 High")}
    assert extensions.collect_notes([]) == {}


def test_the_waiting_room_screen_shows_the_latest_calls_with_room(bah, person):
    entries = [factories.waiting(factories.patient().id, doctor_id=bah.id) for _count in range(6)]
    for entry in entries:
        queue_actions.call_patient(entry.id, by=person("nurse"))
    shown = queue_queries.list_last_calls()
    assert [row.token for row in shown] == [entry.token for entry in reversed(entries)][:4]
    assert {row.room for row in shown} == {"Room 3"}


def test_a_patient_in_the_queue_is_not_withdrawn(booked, person):
    booking = booked()
    entry = transitions.check_in(booking.id, by=person("nurse"))
    with pytest.raises(Conflict, match=f"number {entry.token}"):
        record_actions.withdraw_patient(booking.patient_id, by=person("admin"))
    queue_actions.mark_as_left(entry.id, by=person("nurse"))
    record_actions.withdraw_patient(booking.patient_id, by=person("admin"))


def test_a_patient_with_an_open_booking_is_not_withdrawn_and_a_withdrawn_one_does_not_come_back(booked, person):
    booking, nurse, admin = booked(), person("nurse"), person("admin")
    with pytest.raises(Conflict, match="has an appointment on"):
        record_actions.withdraw_patient(booking.patient_id, by=admin)
    entry = transitions.check_in(booking.id, by=nurse)
    queue_actions.mark_as_left(entry.id, by=nurse)
    record_actions.withdraw_patient(booking.patient_id, by=admin)
    for back in (
        lambda: queue_actions.return_to_queue(entry.id, by=nurse),
        lambda: transitions.change_appointment_status(booking.id, "scheduled", by=nurse),
        lambda: transitions.check_in(booking.id, by=nurse),
    ):
        with pytest.raises(RuleBroken):
            back()
    record_actions.restore_patient(booking.patient_id, by=admin)
    assert queue_actions.return_to_queue(entry.id, by=nurse).status == "waiting"
