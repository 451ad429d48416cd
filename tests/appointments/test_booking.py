"""Booking, moving and cancelling; a taken time is refused with the next free one."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.absences import actions as absence_actions
from hms.appointments.availability import actions as availability_actions
from hms.appointments.availability import queries as availability_queries
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.patients.records import actions as record_actions
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.page import said

TEN = dt.time(10)


@pytest.fixture
def book(bah, person):
    def booked(time=TEN, *, patient=None, by="receptionist", **more):
        patient = patient or factories.patient()
        arguments = {"doctor_id": bah.id, "date": MONDAY} | more
        return booking_actions.book(patient_id=patient.id, time=time, by=person(by), **arguments)

    return booked


def test_a_booking_takes_the_length_of_the_doctors_slots_and_is_in_the_trail(db, book):
    booking = book(notes="Dressing")
    assert (booking.status, booking.duration_minutes, booking.version) == ("scheduled", 15, 1)
    trail = db.session.scalars(select(AuditEntry).filter_by(entity="appointment")).one()
    assert (trail.action, trail.actor_name) == ("appointments.book", "receptionist")


def test_a_taken_time_is_refused_with_the_next_free_slot(book):
    book()
    book(dt.time(10, 15))
    with pytest.raises(booking_actions.SlotTaken) as refused:
        book()
    assert refused.value.code == "doctor_booked"
    assert refused.value.alternative == (MONDAY, dt.time(10, 30))
    assert "10:30" in str(refused.value)


def test_when_the_day_is_full_the_first_slot_of_the_next_day_is_offered(book, bah):
    book(dt.time(8), duration_minutes=240)
    with pytest.raises(booking_actions.SlotTaken) as refused:
        book(dt.time(11, 45))
    assert refused.value.alternative == (MONDAY + dt.timedelta(days=1), dt.time(8))


def test_a_refused_booking_leaves_nothing(db, book):
    book()
    with pytest.raises(Conflict):
        book()
    assert len(db.session.scalars(select(Appointment)).all()) == 1


def test_a_patient_cannot_be_in_two_places(book):
    patient, other = factories.patient(), factories.doctor("dr.cole", last_name="Cole")
    book(patient=patient)
    with pytest.raises(Conflict) as refused:
        book(dt.time(10, 5), patient=patient, doctor_id=other.id)
    assert refused.value.code == "patient_booked"


def test_neighbours_do_not_overlap_and_a_cancelled_time_is_free_again(book, person):
    book()
    second = book(dt.time(10, 15))
    transitions.cancel_appointment(second.id, reason="Patient asked", by=person("receptionist"))
    assert book(dt.time(10, 15)).status == "scheduled"


def test_bookings_overlap_across_midnight(book, bah, db, person):
    lone = factories.doctor("dr.night", last_name="Night")
    book(dt.time(23, 50), doctor_id=lone.id, duration_minutes=30)
    with pytest.raises(Conflict):
        book(dt.time(0, 10), doctor_id=lone.id, date=MONDAY + dt.timedelta(days=1))
    assert book(dt.time(0, 20), doctor_id=lone.id, date=MONDAY + dt.timedelta(days=1)).id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"patient_id": 9_999_999}, "patient"),
        ({"patient_id": None}, "patient"),
        ({"doctor_id": 9_999_999}, "doctor"),
        ({"date": dt.date(2020, 1, 6)}, "time"),
        ({"date": dt.date(1, 1, 1)}, "date"),
        ({"date": dt.date(9999, 12, 31)}, "date"),
        ({"date": MONDAY + dt.timedelta(days=800)}, "date"),
        ({"time": dt.time(7, 45)}, "time"),
        ({"time": dt.time(12)}, "time"),
        ({"duration_minutes": 4}, "duration_minutes"),
        ({"duration_minutes": 481}, "duration_minutes"),
    ],
)
def test_what_cannot_be_booked_is_refused_at_its_field(bah, person, change, field):
    arguments = {"patient_id": factories.patient().id, "doctor_id": bah.id, "date": MONDAY, "time": TEN} | change
    with pytest.raises(RuleBroken) as refused:
        booking_actions.book(**arguments, by=person("receptionist"))
    assert refused.value.field == field


def test_staff_who_are_not_doctors_and_patients_who_died_cannot_be_booked(bah, book, person):
    with pytest.raises(RuleBroken):
        book(doctor_id=person("nurse").id)
    with pytest.raises(RuleBroken, match="died"):
        book(patient=factories.patient(deceased_on=dt.date(2020, 1, 1)))


def test_a_doctor_without_hours_on_the_day_can_be_booked_at_any_time(book):
    lone = factories.doctor("dr.lone", last_name="Lone")
    assert book(dt.time(3, 17), doctor_id=lone.id).duration_minutes == 15


def test_a_slot_can_be_booked_until_fifteen_minutes_after_its_start(book, bah, person):
    lone = factories.doctor("dr.lone", last_name="Lone")
    for minutes, is_late in ((14, False), (17, True)):
        wall = clock.local(clock.now() - dt.timedelta(minutes=minutes))
        arguments = {"doctor_id": lone.id, "date": wall.date(), "duration_minutes": 5}
        if is_late:
            with pytest.raises(RuleBroken, match="past"):
                book(wall.time(), **arguments)
        else:
            assert book(wall.time(), **arguments).id


def test_the_system_may_add_past_bookings(bah):
    day = dt.date(2020, 1, 6)
    booking = booking_actions.book(patient_id=factories.patient().id, doctor_id=bah.id, date=day, time=TEN, by=SYSTEM)
    assert booking.date == day


def test_moving_keeps_the_old_time_as_a_linked_row(db, book, person):
    booking = book(notes="Dressing")
    moved = booking_actions.move(booking.id, date=MONDAY, time=dt.time(11), by=person("receptionist"))
    old = db.session.get(Appointment, moved.rescheduled_from_id)
    assert (moved.id, moved.time, moved.status, moved.notes) == (booking.id, dt.time(11), "scheduled", "Dressing")
    assert (old.time, old.status) == (TEN, "rescheduled")
    assert book(TEN).id


def test_moving_onto_a_taken_time_changes_nothing(db, book, person):
    booking = book()
    book(dt.time(11))
    with pytest.raises(booking_actions.SlotTaken) as refused:
        booking_actions.move(booking.id, date=MONDAY, time=dt.time(11), by=person("receptionist"))
    assert refused.value.alternative == (MONDAY, dt.time(11, 15))
    db.session.expire_all()
    assert db.session.get(Appointment, booking.id).time == TEN
    assert db.session.scalars(select(Appointment).filter_by(status="rescheduled")).all() == []


def test_a_move_by_minutes_may_overlap_its_own_old_time(book, person):
    booking = book()
    assert booking_actions.move(booking.id, date=MONDAY, time=dt.time(10, 5), by=person("admin")).time == dt.time(10, 5)


def test_doctors_change_only_their_own_bookings_and_nurses_only_the_status(book, bah, person):
    booking = book()
    with pytest.raises(NotFound):
        booking_actions.move(booking.id, date=MONDAY, time=dt.time(11), by=person("doctor"))
    with pytest.raises(NotAllowed):
        booking_actions.move(booking.id, date=MONDAY, time=dt.time(11), by=person("nurse"))
    with pytest.raises(NotAllowed):
        transitions.edit_appointment(booking.id, notes="changed", by=person("nurse"))
    assert transitions.edit_appointment(booking.id, status="cancelled", by=person("nurse")).status == "cancelled"


def test_cancelling_needs_a_reason_and_can_be_undone(book, person):
    booking = book()
    with pytest.raises(RuleBroken):
        transitions.cancel_appointment(booking.id, reason="", by=person("receptionist"))
    assert (
        transitions.cancel_appointment(booking.id, reason="Patient asked", by=person("receptionist")).status
        == "cancelled"
    )
    assert (
        transitions.change_appointment_status(booking.id, "scheduled", by=person("receptionist")).status == "scheduled"
    )


def test_a_cancelled_booking_is_not_restored_when_its_time_is_taken(book, person):
    booking = book()
    transitions.cancel_appointment(booking.id, reason="Patient asked", by=person("receptionist"))
    book()
    with pytest.raises(Conflict):
        transitions.change_appointment_status(booking.id, "scheduled", by=person("receptionist"))


def _book_on(day, doctor):
    return booking_actions.book(patient_id=factories.patient().id, doctor_id=doctor.id, date=day, time=TEN, by=SYSTEM)


def test_a_completed_booking_is_final(bah, person):
    booking = _book_on(clock.today(), bah)
    transitions.change_appointment_status(booking.id, "completed", by=person("receptionist"))
    with pytest.raises(RuleBroken):
        transitions.change_appointment_status(booking.id, "scheduled", by=person("receptionist"))
    with pytest.raises(Conflict):
        transitions.withdraw_appointment(booking.id, by=person("admin"))


@pytest.mark.parametrize("status", ["completed", "in_service", "no_show"])
def test_an_appointment_of_a_later_day_has_not_happened(bah, person, status):
    booking = _book_on(clock.today() + dt.timedelta(days=1), bah)
    with pytest.raises(RuleBroken, match="later day"):
        transitions.change_appointment_status(booking.id, status, by=person("receptionist"))


def test_a_withdrawn_booking_is_not_listed_and_its_time_is_free(book, person):
    booking = book()
    transitions.withdraw_appointment(booking.id, by=person("admin"))
    with pytest.raises(NotFound):
        booking_queries.get_appointment(booking.id)
    with pytest.raises(NotFound):
        transitions.withdraw_appointment(booking.id, by=person("admin"))
    assert book().id


def test_a_withdrawn_booking_is_restored_while_its_time_is_free(book, person):
    booking, admin = book(), person("admin")
    transitions.withdraw_appointment(booking.id, by=admin)
    with pytest.raises(NotAllowed):
        transitions.restore_appointment(booking.id, by=person("receptionist"))
    assert transitions.restore_appointment(booking.id, by=admin).status == "scheduled"
    assert booking_queries.get_appointment(booking.id).status == "scheduled"
    booking_id = booking.id
    transitions.withdraw_appointment(booking_id, by=admin)
    book()
    with pytest.raises(booking_actions.SlotTaken):
        transitions.restore_appointment(booking_id, by=admin)


def test_a_booking_is_not_restored_while_the_record_of_its_patient_is_withdrawn(book, desk, person):
    patient, admin = factories.patient(), person("admin")
    booking_id, cancelled_id = book(patient=patient).id, book(dt.time(11), patient=patient).id
    transitions.withdraw_appointment(booking_id, by=admin)
    transitions.cancel_appointment(cancelled_id, reason="Patient asked", by=person("receptionist"))
    record_actions.withdraw_patient(patient.id, reason="Registered twice", by=admin)
    with pytest.raises(RuleBroken, match="no longer in use. Restore the record first"):
        transitions.restore_appointment(booking_id, by=admin)
    shown = said(desk("receptionist"), f"/appointments/{cancelled_id}", "/restore")
    assert "This patient's record is no longer in use. Restore the record first." in shown
    assert "Invalid pk" not in shown


def test_free_slots_leave_out_bookings_absences_and_the_past(book, bah, person):
    book()
    starts = clock.at(MONDAY, dt.time(8))
    absence_actions.record_absence(
        bah.id, starts=starts, ends=starts + dt.timedelta(hours=1), reason="Ward round", by=person("admin")
    )
    times = [slot.time for slot in availability_queries.list_free_slots(bah.id, MONDAY)]
    assert times[0] == dt.time(9)
    assert TEN not in times
    assert len(times) == 11
    assert availability_queries.list_free_slots(bah.id, MONDAY, clock.at(MONDAY, dt.time(13))) == []


def test_a_blocked_time_is_not_booked_and_a_booked_time_not_blocked(book, bah, person):
    at = clock.at(MONDAY, TEN)
    hour = dt.timedelta(hours=1)
    absence = absence_actions.record_absence(bah.id, starts=at, ends=at + hour, by=person("admin")).absence
    with pytest.raises(RuleBroken, match="away"):
        book()
    absence_actions.remove_absence(absence.id, by=person("admin"))
    book()
    with pytest.raises(Conflict):
        absence_actions.record_absence(bah.id, starts=at, ends=at + hour, by=person("admin"))


def test_doctors_block_only_their_own_time(bah, person):
    at = clock.at(MONDAY, TEN)
    with pytest.raises(NotFound):
        absence_actions.record_absence(bah.id, starts=at, ends=at + dt.timedelta(hours=1), by=person("doctor"))
    own = person("doctor").id
    recorded = absence_actions.record_absence(own, starts=at, ends=at + dt.timedelta(hours=1), by=person("doctor"))
    assert recorded.absence.doctor_id == own


def test_clinic_hours_do_not_overlap_and_end_with_yesterday(bah, person):
    with pytest.raises(Conflict):
        availability_actions.add_hours(bah.id, weekday=0, starts=dt.time(11), ends=dt.time(13), by=person("admin"))
    added = availability_actions.add_hours(bah.id, weekday=0, starts=dt.time(14), ends=dt.time(16), by=person("admin"))
    assert len(availability_queries.list_free_slots(bah.id, MONDAY)) == 24
    availability_actions.end_hours(added.id, by=person("admin"))
    assert len(availability_queries.list_free_slots(bah.id, MONDAY)) == 16
    with pytest.raises(NotAllowed):
        availability_actions.add_hours(bah.id, weekday=0, starts=dt.time(14), ends=dt.time(16), by=person("doctor"))


def test_a_slot_begins_at_hospital_time_in_every_time_zone(bah):
    zone = clock.zone().key
    try:
        for name, hour in (("Africa/Freetown", 8), ("Africa/Nairobi", 5), ("Pacific/Kiritimati", 18)):
            clock.set_zone(name)
            first = availability_queries.list_free_slots(bah.id, MONDAY + dt.timedelta(days=7))[0]
            assert (first.time, first.starts.hour) == (dt.time(8), hour)
    finally:
        clock.set_zone(zone)


def test_booking_inside_another_action_is_rolled_back_with_it(db, bah):
    made = factories.patient()
    with pytest.raises(ZeroDivisionError), action_context("tests.outer", SYSTEM):
        _book_then_fail(made.id, bah.id)
    assert db.session.scalars(select(Appointment)).all() == []


def _book_then_fail(patient_id, doctor_id):
    booking_actions.book(patient_id=patient_id, doctor_id=doctor_id, date=MONDAY, time=TEN, by=SYSTEM)
    raise ZeroDivisionError
