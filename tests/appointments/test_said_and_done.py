"""Messages of success of appointments and the queue say what the rows say, and no more."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.absences.queries import Span, make_plan
from hms.appointments.absences.rules import make_instruction
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.enums import RepeatUnit
from hms.appointments.lines import actions
from hms.appointments.models import (
    Absence,
    Appointment,
    Holiday,
    PointEntry,
    QueueEntry,
    ServicePoint,
    VisitType,
    WaitingListEntry,
    WallScreen,
    WorkingHours,
)
from hms.appointments.points import actions as points
from hms.appointments.queue import transitions
from hms.appointments.series.queries import Shift, plan_following, plan_series
from hms.appointments.series.rules import Pattern
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.text.formatting import format_date
from hms.core.web.template_filters import person_name
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.page import said

TEN = dt.time(10)


def _status(row: QueueEntry | Appointment) -> str:
    return database.session.get(type(row), row.id, populate_existing=True).status


def test_each_message_of_an_appointment_is_about_a_row(desk, bah):
    at, patient = desk("receptionist"), factories.patient()
    where = f"/appointments/new?patient={patient.id}&doctor={bah.id}&date={MONDAY.isoformat()}&time=10:00"
    shown = said(at, where, "", reason="Cough")
    booking = database.session.scalars(select(Appointment)).one()
    assert (booking.patient_id, booking.doctor_id, booking.date, booking.time) == (patient.id, bah.id, MONDAY, TEN)
    name, day = person_name(patient), format_date(MONDAY)
    assert f"Booked: {name}, 10:00 {day}, {bah.display_name}" in shown
    page = f"/appointments/{booking.id}"
    assert f"Moved to 11:00 {day}" in said(at, f"{page}/move", "/move", time="11:00")
    assert database.session.get(Appointment, booking.id, populate_existing=True).time == dt.time(11)
    assert "Cancelled: 11:00" in said(at, page, "/cancel", reason="Patient asked")
    assert _status(booking) == "cancelled"
    assert "Appointment restored." in said(at, page, "/restore")
    assert _status(booking) == "scheduled"
    assert not database.session.scalars(select(QueueEntry)).all()


def test_each_message_of_a_day_is_about_a_row(desk, bah):
    at = desk("receptionist")
    booking = booking_actions.book(
        patient_id=factories.patient().id, doctor_id=bah.id, date=clock.today(), time=TEN, by=SYSTEM
    )
    page = f"/appointments/{booking.id}"
    shown = said(at, page, "/check-in")
    entry = database.session.scalars(select(QueueEntry)).one()
    assert f"Token {entry.token} – KAMARA, Kadiatu" in shown
    assert (entry.patient_id, _status(booking)) == (booking.patient_id, "checked_in")
    assert "Check-in undone." in said(at, "/queue/", to=f"/queue/{entry.id}/undo-check-in")
    assert _status(booking) == "scheduled"
    assert _status(entry) not in ("waiting", "called")
    with clock.frozen_at(clock.at(clock.today(), dt.time(16))):
        assert "Did not come: 10:00" in said(desk("receptionist"), page, to=f"{page}/no-show")
        assert _status(booking) == "no_show"


def test_each_message_of_the_queue_is_about_a_row(desk, bah):
    entry, at = factories.waiting(factories.patient().id), desk("nurse")

    def press(what: str, **typed: str) -> str:
        return said(at, "/queue/", to=f"/queue/{entry.id}/{what}", **typed)

    assert f"Called: token {entry.token} – KAMARA, Kadiatu" in press("call")
    assert _status(entry) == "called"
    assert "Back in the queue." in press("undo-call")
    assert _status(entry) == "waiting"
    assert f"Waiting for {bah.display_name} now." in press("send", doctor=str(bah.id))
    assert database.session.get(QueueEntry, entry.id, populate_existing=True).doctor_id == bah.id
    assert "Waiting for any doctor now." in press("send", doctor="")
    assert database.session.get(QueueEntry, entry.id, populate_existing=True).doctor_id is None
    assert "Marked as left without being seen." in press("leave")
    assert _status(entry) == "left"
    assert "Back in the queue." in press("come-back")
    assert _status(entry) == "waiting"
    refused = press("finish")
    assert ("Marked as seen." in refused) == (_status(entry) == "done")
    press("call")
    assert "Marked as seen." in press("finish")
    assert _status(entry) == "done"


def test_each_message_of_clinic_hours_is_about_a_row(desk, bah, person):
    admin, doctor = desk("admin"), desk("doctor")
    times = {"doctor": str(bah.id), "weekday": "0", "starts": "14:00", "ends": "16:00"}
    assert "Clinic hours saved." in said(admin, "/appointments/hours", "/hours", **times)
    hours = database.session.scalars(select(WorkingHours).filter_by(starts=dt.time(14))).one()
    assert (hours.doctor_id, hours.weekday) == (bah.id, 0)
    booked = booking_actions.book(
        patient_id=factories.patient().id, doctor_id=bah.id, date=MONDAY, time=dt.time(14), by=SYSTEM
    )
    ended = said(admin, "/appointments/hours", to=f"/appointments/hours/{hours.id}/end")
    assert "Clinic hours ended. Existing appointments stay." in ended
    stored = database.session.scalars(select(WorkingHours).filter_by(id=hours.id)).one_or_none()
    assert stored is None or stored.valid_to is not None
    assert _status(booked) == "scheduled"
    block = {"doctor": str(person("doctor").id), "date": f"{MONDAY:%d/%m/%Y}", "starts": "08:00", "ends": "09:00"}
    assert "Absence recorded." in said(doctor, "/appointments/absences", "/absences", **block, reason="Leave")
    absence = database.session.scalars(select(Absence)).one()
    assert absence.reason == "Leave"
    assert "Absence removed." in said(
        doctor, "/appointments/absences", to=f"/appointments/absences/{absence.id}/remove"
    )
    assert database.session.scalars(select(Absence)).all() == []


def test_each_message_of_holidays_and_visit_types_is_about_a_row(desk):
    day, front, admin = format_date(MONDAY), desk("receptionist"), desk("admin")
    shown = said(front, "/appointments/holidays", "", date=day, name="Eid")
    assert f"Holiday added: Eid, {day}." in shown
    holiday = database.session.scalars(select(Holiday)).one()
    assert (holiday.day, holiday.name) == (MONDAY, "Eid")
    removal = f"/appointments/holidays/{holiday.id}/remove"
    assert f"Holiday removed: Eid, {day}." in said(front, "/appointments/holidays", to=removal)
    assert not database.session.scalars(select(Holiday)).all()
    visit = {"name": "Dressing", "mark": "D", "minutes": "20", "colour": "red"}
    shown = said(admin, "/appointments/visit-types/new", "", **visit)
    assert "Visit type Dressing saved." in shown
    row = database.session.scalars(select(VisitType)).one()
    assert (row.name, row.mark, row.minutes, row.colour) == ("Dressing", "D", 20, "red")
    page = f"/appointments/visit-types/{row.id}"
    for to, message, is_active in (("/close", "Visit type closed.", False), ("/reopen", "Visit type reopened.", True)):
        assert message in said(admin, page, to)
        assert database.session.get(VisitType, row.id, populate_existing=True).is_active is is_active


def test_the_message_of_an_overbooking_is_about_a_row(desk):
    at, doctor = desk("receptionist"), factories.doctor()
    factories.hours(doctor.id, overbooking=1)
    where = {"doctor_id": doctor.id, "date": MONDAY, "time": TEN, "by": SYSTEM}
    booking_actions.book(patient_id=factories.patient().id, **where)
    patient = factories.patient()
    page = f"/appointments/new?patient={patient.id}&doctor={doctor.id}&date={MONDAY.isoformat()}&time=10:00&overbook=1"
    shown = said(at, page, "")
    booking = database.session.scalars(select(Appointment).filter_by(patient_id=patient.id)).one()
    assert (booking.is_overbooked, booking.time, booking.date) == (True, TEN, MONDAY)
    assert f"Overbooked: {person_name(patient)}, 10:00 {format_date(MONDAY)}, {doctor.display_name}" in shown


def test_each_message_of_wall_screens_is_about_a_row(desk, bah):
    admin, page = desk("admin"), "/admin/wall-screens"
    assert "Wall screen Hall made." in said(admin, page, page, name="Hall", doctor_id=str(bah.id))
    screen = database.session.scalars(select(WallScreen)).one()
    assert (screen.name, screen.doctor_id, screen.ended_at) == ("Hall", bah.id, None)
    assert "Wall screen switched off." in said(admin, page, "/switch-off")
    assert database.session.get(WallScreen, screen.id, populate_existing=True).ended_at is not None


def _booked(doctor, *times, day=MONDAY):
    return [
        booking_actions.book(patient_id=factories.patient().id, doctor_id=doctor.id, date=day, time=time, by=SYSTEM)
        for time in times
    ]


def _when(booking: Appointment) -> tuple:
    row = database.session.get(Appointment, booking.id, populate_existing=True)
    return row.status, row.date, row.time


def test_each_message_of_an_absence_is_about_its_appointments(desk):
    doctor, front, nine, tuesday = factories.doctor(), desk("receptionist"), dt.time(9), MONDAY + dt.timedelta(days=1)
    factories.hours(doctor.id, starts="09:00", ends="09:30")
    first, second = _booked(doctor, nine, dt.time(9, 15))
    _booked(doctor, nine, day=tuesday)
    span = Span(doctor.id, clock.at(MONDAY, dt.time(0)), clock.at(tuesday, dt.time(0)))
    typed = {
        "doctor": str(doctor.id),
        "date": f"{MONDAY:%d/%m/%Y}",
        "bookings": "move_day",
        "to_date": f"{tuesday:%d/%m/%Y}",
    }
    seen = make_plan(span, make_instruction("move_day", tuesday)).key
    page = said(front, "/appointments/absences", "/absences", **typed, seen=seen, do="1")
    assert "Absence recorded: 1 moved, 1 left: no free place." in page
    assert (_when(first), _when(second)) == (("scheduled", MONDAY, nine), ("scheduled", tuesday, dt.time(9, 15)))
    absence = database.session.scalars(select(Absence)).one()
    where, seen = f"/appointments/absences/{absence.id}", make_plan(span, make_instruction("cancel")).key
    assert "Do it: cancel 1" in front.form(where, 1, bookings="cancel").get_data(as_text=True)
    page = said(front, where, f"{absence.id}", bookings="cancel", seen=seen, do="1")
    assert "Done: 1 cancelled." in page
    assert "1 cancelled" in page
    assert (_when(first)[0], _when(second)[0]) == ("cancelled", "scheduled")
    assert desk("nurse").get(where).status_code == 403
    assert desk("doctor").get(where).status_code == 404


def test_each_message_of_a_series_is_about_its_appointments(desk, bah):
    first, front, tuesday = _booked(bah, TEN)[0], desk("receptionist"), MONDAY + dt.timedelta(days=1)
    _booked(bah, TEN, day=MONDAY + dt.timedelta(days=14))
    page, typed = f"/appointments/{first.id}", {"every": "1", "unit": "weeks", "times": "3"}
    assert f"{page}/repeat" in front.get(page).get_data(as_text=True)
    assert front.form(f"{page}/repeat", **(typed | {"every": "0"})).status_code == 400
    shown = front.form(f"{page}/repeat", **typed).get_data(as_text=True)
    assert "left out: no free place" in shown
    seen = plan_series(first, Pattern(1, RepeatUnit.WEEKS, times=3)).key
    text = said(front, f"{page}/repeat", "/repeat", **typed, seen=seen, do="1")
    assert "Series: 1 booked, 1 not: no free place." in text
    series = select(Appointment).filter_by(series_id=database.session.get(Appointment, first.id).series_id)
    second = database.session.scalars(series.order_by(Appointment.id.desc())).first()
    assert _when(second) == ("scheduled", MONDAY + dt.timedelta(days=7), TEN)
    move, nine = {"date": f"{tuesday:%d/%m/%Y}", "time": "09:00"}, dt.time(9)
    assert "Move 2 appointments" in front.form(f"{page}/series", **move).get_data(as_text=True)
    seen = plan_following(first, Shift(tuesday, nine, bah.id), SYSTEM).key
    assert "Series: 2 moved." in said(front, f"{page}/series", "/series", **move, seen=seen, do="1")
    assert [_when(row)[2] for row in (first, second)] == [nine, nine]
    assert "Series: 2 cancelled." in said(front, f"{page}/series", "/series/cancel", reason="Other")
    assert [_when(row)[0] for row in (first, second)] == ["cancelled", "cancelled"]


@pytest.fixture
def laboratory(db):
    values = {"code": "LAB", "name": "Laboratory", "kind": "laboratory", "prefix": "L"}
    return points.save_service_point(**values, by=SYSTEM)


def _row(record: object) -> object:
    return database.session.get(type(record), record.id, populate_existing=True)


def test_each_message_of_a_step_in_the_queue_is_about_a_row(laboratory, desk, bah):
    nurse, entry = desk("nurse"), factories.waiting(factories.patient().id, doctor_id=bah.id)

    def press(what: str, **typed: str) -> str:
        return said(nurse, "/queue/", to=f"/queue/{entry.id}/{what}", **typed)

    assert "On hold. The place in the line is kept." in press("hold", reason="Toilet")
    assert _row(entry).hold_reason == "Toilet"
    assert "Back in the line, in the old place." in press("release")
    assert _row(entry).held_at is None
    assert "Last step undone." in press("undo")
    assert _row(entry).held_at is not None
    press("release")
    assert "One place back." in press("skip")
    assert "Sent to Laboratory with token L1." in press("send-on", point=str(laboratory.id))
    place = database.session.scalars(select(PointEntry)).one()
    assert (place.patient_id, place.status) == (entry.patient_id, "waiting")
    assert "Now: Laboratory (L1)" in nurse.get("/queue/").get_data(as_text=True)


def test_each_message_of_a_line_is_about_a_row(laboratory, person, desk, bah):
    lab, entry = desk("lab"), factories.waiting(factories.patient().id, doctor_id=bah.id)
    place, line = actions.send_on(entry.id, laboratory.id, by=person("nurse")), f"/queue/points/{laboratory.id}"
    assert "Called: token L1" in said(lab, line, "/call-next")

    def step(what: str, **typed: str) -> str:
        return said(lab, f"{line}?show=waiting", "/call-next", to=f"/queue/places/{place.id}/{what}", **typed)

    for what, message, status in (
        ("undo", "Last step undone.", "waiting"),
        ("call", "Called: token L1", "called"),
        ("skip", "One place back.", "waiting"),
        ("hold", "On hold. The place in the line is kept.", "waiting"),
        ("release", "Back in the line, in the old place.", "waiting"),
        ("start", "With staff now.", "in_service"),
        ("finish", "Marked as done.", "done"),
        ("undo", "Last step undone.", "in_service"),
        ("leave", "Marked as left.", "left"),
        ("come-back", "Back in the line, in the old place.", "waiting"),
        ("call", "Called: token L1", "called"),
        ("absent", "Marked as not there. The patient may come back.", "absent"),
        ("undo", "Last step undone.", "waiting"),
    ):
        assert message in step(what, reason="Drinks"), what
        assert _row(place).status == status, what
    assert "Sent on. This service point is done with the patient." in step("send-on", doctor=str(bah.id))
    assert (_row(place).status, _row(entry).held_at) == ("done", None)
    other = factories.patient("Musa", "Sesay")
    assert "Token L2 – SESAY, Musa" in said(lab, f"{line}/add?patient={other.id}")
    for group in ("waiting", "with_staff", "done", "absent"):
        assert lab.get(f"{line}/rows?show={group}").status_code == 200


def test_each_message_of_a_service_point_is_about_a_row(desk):
    admin = desk("admin")
    shown = said(admin, "/admin/service-points/new", name="Cash desk", code="C1", kind="cash_desk", prefix="C")
    assert "Service point Cash desk saved." in shown
    made = database.session.scalars(select(ServicePoint).filter_by(code="C1")).one()
    page = f"/admin/service-points/{made.id}"
    assert "Service point closed." in said(admin, page, "/close")
    assert not _row(made).is_active
    assert "Service point reopened." in said(admin, page, "/reopen")
    assert _row(made).is_active


def test_each_message_of_a_confirmation_is_about_a_row(desk, bah):
    at, day = desk("receptionist"), clock.today() + dt.timedelta(days=1)
    values = {"patient_id": factories.patient().id, "doctor_id": bah.id, "date": day, "time": TEN}
    booking = booking_actions.book(**values, by=SYSTEM)
    assert "Confirmed by phone." in said(at, "/appointments/unconfirmed", "/confirm")
    assert _row(booking).confirmed_at is not None
    undone = said(at, "/appointments/new", to=f"/appointments/{booking.id}/undo-confirmation")
    assert "The appointment is not confirmed any more." in undone
    assert _row(booking).confirmed_at is None


def test_each_message_of_the_waiting_list_is_about_its_entry(desk, bah):
    front, patient, other = desk("receptionist"), factories.patient(), factories.patient()
    days = {"first_day": f"{MONDAY:%d/%m/%Y}", "last_day": f"{MONDAY:%d/%m/%Y}"}
    where = "/appointments/waiting-list"
    for one in (patient, other):
        page = said(front, f"{where}/add?patient={one.id}&doctor={bah.id}", "/add", **days)
        assert f"On the waiting list: {person_name(one)}." in page
    first, second = database.session.scalars(select(WaitingListEntry).order_by(WaitingListEntry.id)).all()
    assert (first.patient_id, first.doctor_id, first.first_day, first.last_day) == (patient.id, bah.id, MONDAY, MONDAY)
    assert front.form(f"{where}/add", **days).status_code == 400
    transitions.change_appointment_status(_booked(bah, TEN)[0].id, "cancelled", by=SYSTEM)
    text = front.get(where).get_data(as_text=True)
    assert text.count('data-ux="freed-place"') == 2
    page = said(front, where, f"/{first.id}/book")
    booking = database.session.scalars(select(Appointment).filter_by(patient_id=patient.id)).one()
    day, name = format_date(MONDAY), person_name(patient)
    assert f"Booked from the waiting list: {name}, 10:00 {day}, {bah.display_name}" in page
    entry = database.session.get(WaitingListEntry, first.id, populate_existing=True)
    assert (entry.appointment_id, booking.time) == (booking.id, TEN)
    gone = {"doctor": str(bah.id), "date": f"{MONDAY:%d/%m/%Y}", "time": "10:00"}
    assert "This time was just taken." in said(front, f"{where}/{second.id}", to=f"{where}/{second.id}/book", **gone)
    page = said(front, f"{where}/{second.id}", f"/{second.id}", reason="Seen elsewhere")
    assert f"Taken off the waiting list: {person_name(other)}." in page
    entry = database.session.get(WaitingListEntry, second.id, populate_existing=True)
    assert (entry.appointment_id, entry.withdrawn_reason) == (None, "Seen elsewhere")
    assert desk("lab").get(where).status_code == 403
