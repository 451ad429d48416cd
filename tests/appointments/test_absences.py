"""A doctor is away: preview, moving or cancelling the session, messages, and what stays; pages and API."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.absences import actions
from hms.appointments.absences.queries import Span, make_plan
from hms.appointments.absences.rules import make_instruction
from hms.appointments.availability import actions as hours
from hms.appointments.bookings import actions as bookings
from hms.appointments.enums import StayReason
from hms.appointments.models import Absence, Appointment, WorkingHours
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import OutgoingMessage
from hms.staff import request_user
from hms.staff.models import User
from tests.appointments import factories
from tests.appointments.factories import MONDAY

DAY = dt.timedelta(days=1)
TUESDAY = MONDAY + DAY


def _at(hour: int, minute: int = 0, day: dt.date = MONDAY) -> dt.datetime:
    return clock.at(day, dt.time(hour, minute))


def _book(doctor, *times, day=MONDAY, **patient):
    made = []
    for number, time in enumerate(times):
        who = factories.patient(f"Given{number}", **patient)
        when = {"doctor_id": doctor.id, "date": day, "time": dt.time.fromisoformat(time)}
        made.append(bookings.book(patient_id=who.id, **when, by=SYSTEM))
    return made


def _now(row) -> tuple:
    row = database.session.get(Appointment, row.id, populate_existing=True)
    return row.status, row.doctor_id, row.date, f"{row.time:%H:%M}"


@pytest.fixture
def texts(db):
    """An SMS gateway is set up: messages are made, and wait."""
    settings.change_setting("messages.sms_url", "http://127.0.0.1:9/sms", by=SYSTEM)
    settings.clear_cache()


def _made() -> list[OutgoingMessage]:
    query = select(OutgoingMessage).order_by(OutgoingMessage.appointment_id)
    return [message for message in database.session.scalars(query) if "away" in message.kind]


def _fill(doctor, day, *free) -> None:
    """Book every slot of the doctor's morning but the free ones."""
    quarters = [f"{hour:02}:{minute:02}" for hour in range(8, 12) for minute in (0, 15, 30, 45)]
    _book(doctor, *(at for at in quarters if at not in free), day=day)


@pytest.fixture
def session(bah, texts):
    """Three bookings of Monday, of which two fit on Tuesday; the span of Monday, and the instruction to move it."""
    rows = _book(bah, "09:00", "09:15", "11:45", phone="+23276000001")
    cole = factories.doctor("dr.cole", last_name="Cole")
    bookings.book(patient_id=rows[1].patient_id, doctor_id=cole.id, date=TUESDAY, time=dt.time(9, 15), by=SYSTEM)
    _fill(bah, TUESDAY, "09:15", "10:00")
    return rows, Span(bah.id, _at(0), _at(0, day=TUESDAY)), make_instruction("move_day", TUESDAY)


def test_a_session_moves_to_another_day_and_says_what_stays(session, bah, person):
    (first, second, third), span, move = session
    plan, front = make_plan(span, move), person("receptionist")
    assert (plan.moved, plan.cancelled, plan.left) == (2, 0, {StayReason.NO_PLACE: 1})
    assert [step.channel for step in plan.by_time] == ["sms", "sms", None]
    when = {"starts": span.starts, "ends": span.ends}
    with pytest.raises(Conflict, match="Say whether they move or are cancelled"):
        actions.record_absence(bah.id, **when, by=front)
    recorded = actions.record_absence(bah.id, **when, instruction=move, seen=plan.key, by=front)
    assert (recorded.plan.moved, recorded.plan.left) == (2, {StayReason.NO_PLACE: 1})
    assert _now(first) == ("scheduled", bah.id, TUESDAY, "09:15")
    assert _now(second) == ("scheduled", bah.id, TUESDAY, "10:00"), "the patient is with another doctor at 09:15"
    assert _now(third) == ("scheduled", bah.id, MONDAY, "11:45")
    outbox.run_due()
    messages = _made()
    assert [message.appointment_id for message in messages] == [first.id, second.id]
    assert "The doctor is away on" in messages[0].body
    assert "09:15" in messages[0].body
    rest, absence_id = make_instruction("cancel"), recorded.absence.id
    with pytest.raises(Conflict, match="changed meanwhile"):
        actions.settle_absence(absence_id, instruction=rest, seen=plan.key, by=front)
    assert actions.settle_absence(absence_id, instruction=rest, by=front).plan.cancelled == 1
    assert _now(third)[0] == "cancelled"
    outbox.run_due()
    assert [message.kind for message in _made()][2:] == ["appointment.away_cancelled"]


def test_a_session_moves_to_another_doctor_and_who_has_come_stays(bah, person, desk):
    cole = factories.doctor("dr.cole", last_name="Cole")
    factories.hours(cole.id, capacity=2)
    today = clock.today()
    with clock.frozen_at(_at(7, day=today)):
        here, next_, dead = _book(bah, "08:00", "09:00", "09:30", day=today)
        _book(cole, "09:00", day=today)
        transitions.check_in(here.id, by=SYSTEM)
        span = Span(bah.id, _at(8, day=today), _at(12, day=today))
        wanted = {
            "starts": span.starts,
            "ends": span.ends,
            "instruction": make_instruction("move_doctor", None, cole.id),
        }
        with pytest.raises(NotFound):
            actions.record_absence(bah.id, **wanted, by=person("doctor"))
        recorded = actions.record_absence(bah.id, **wanted, by=person("receptionist"))
        assert (recorded.plan.moved, recorded.plan.left) == (2, {StayReason.HERE: 1})
        assert _now(next_) == ("scheduled", cole.id, today, "09:00"), "in the second place"
        assert _now(dead)[1] == cole.id
        assert _now(here) == ("checked_in", bah.id, today, "08:00")
        home = desk("receptionist").get("/").get_data(as_text=True)
        assert f"/appointments/absences/{recorded.absence.id}" in home


def test_what_cannot_be_recorded(bah, person):
    front, span = person("receptionist"), {"starts": _at(8), "ends": _at(12)}
    _book(bah, "09:00")
    for instruction, field in (
        (make_instruction("move_day"), "to_date"),
        (make_instruction("move_day", clock.today() - DAY), "to_date"),
        (make_instruction("move_day", dt.date(9999, 12, 31)), "to_date"),
        (make_instruction("move_doctor", None, bah.id), "to_doctor"),
        (make_instruction("move_doctor", None, 999_999), "to_doctor"),
        (make_instruction("move_doctor"), "to_doctor"),
    ):
        with pytest.raises(RuleBroken) as refused:
            actions.record_absence(bah.id, **span, instruction=instruction, by=front)
        assert refused.value.field == field
    past = {"starts": clock.now() - 2 * DAY, "ends": clock.now() - DAY}
    far = {"starts": clock.at(dt.date(9999, 12, 31), dt.time(0)), "ends": clock.day_bounds(dt.date(9999, 12, 31))[1]}
    for wrong in ({"ends": _at(8)}, {"starts": _at(8) - 400 * DAY}, past, far):
        with pytest.raises(RuleBroken):
            actions.record_absence(bah.id, **(span | wrong), by=front)
    actions.record_absence(bah.id, **span, instruction=make_instruction("cancel"), by=front)
    with pytest.raises(Conflict, match="already recorded as away"):
        actions.record_absence(bah.id, starts=_at(9), ends=_at(10), by=front)
    assert database.session.scalars(select(Appointment.status)).all() == ["cancelled"]


def test_of_two_clerks_one_moves_the_session(in_parallel):
    doctor = factories.doctor()
    factories.hours(doctor.id)
    rows = _book(doctor, "09:00", "09:15", "09:30")
    front = request_user.load_active_person(
        database.session.scalars(select(User.id).filter_by(username="receptionist")).one()
    )
    span, move = Span(doctor.id, _at(0), _at(0, day=TUESDAY)), make_instruction("move_day", TUESDAY)
    seen, cancel = make_plan(span, move).key, make_instruction("cancel")
    ids, doctor_id = [row.id for row in rows], doctor.id

    def recording(instruction, key):
        when = {"starts": span.starts, "ends": span.ends, "instruction": instruction, "seen": key}
        return lambda: actions.record_absence(doctor_id, **when, by=front).plan.moved

    other = factories.patient("Other").id
    booking = {"patient_id": other, "doctor_id": doctor_id, "date": TUESDAY, "time": dt.time(9)}
    clerks = [recording(move, seen), recording(cancel, None), recording(move, seen)]
    results = in_parallel([*clerks, lambda: bookings.book(**booking, by=front).id])
    absences = database.session.scalars(select(Absence.id)).all()
    assert len(absences) == 1, results
    states = {database.session.get(Appointment, row_id, populate_existing=True).status for row_id in ids}
    assert len(states) == 1, "all of them, or none"
    taken = database.session.execute(
        select(Appointment.date, Appointment.time).where(Appointment.status == "scheduled")
    ).all()
    assert len(set(taken)) == len(taken)


TYPED = {"date": f"{MONDAY:%d/%m/%Y}", "reason": "Leave"}
MOVE = {"bookings": "move_day", "to_date": f"{TUESDAY:%d/%m/%Y}"}
PAGE = "/appointments/absences"


def test_the_page_shows_first_what_would_happen(desk, bah):
    _book(bah, "09:00", "09:15")
    front, typed = desk("receptionist"), TYPED | {"doctor": str(bah.id)}
    shown = front.form(PAGE, **typed)
    text = shown.get_data(as_text=True)
    assert (shown.status_code, text.count('data-ux="away-step"')) == (200, 2)
    assert "Nothing is recorded yet." in text
    assert 'data-ux="away-do"' not in text
    assert database.session.scalars(select(Absence)).all() == []
    for wrong in ({"starts": "09:00", "ends": "08:00"}, {"date": "31/12/9998"}, {"until": "01/01/2001"}):
        assert front.form(PAGE, **(typed | wrong)).status_code == 400, wrong
    wrong = front.form(PAGE, **typed, bookings="move_day")
    assert (wrong.status_code, "Enter the day" in wrong.get_data(as_text=True)) == (400, True)
    text = front.form(PAGE, **typed, **MOVE).get_data(as_text=True)
    assert "Record absence: move 2" in text
    assert "No channel for messages is set up" in text
    seen = make_plan(Span(bah.id, _at(0), _at(0, day=TUESDAY)), make_instruction("move_day", TUESDAY)).key
    _book(bah, "09:00", day=TUESDAY)
    changed = front.form(PAGE, **typed, **MOVE, seen=seen, do="1")
    assert changed.status_code == 409
    assert "changed meanwhile" in changed.get_data(as_text=True)


def test_the_api_previews_records_settles_and_removes(program, bah):
    first, second = _book(bah, "09:00", "09:15")
    api = program("receptionist")
    body = {"doctor": bah.id, "date": MONDAY.isoformat(), "starts": "09:00", "ends": "09:30"}
    refused = api.post("/api/absences/", json=body)
    assert (refused.status_code, refused.json["code"]) == (409, "has_bookings")
    wish = body | {"bookings": "move_day", "to_date": TUESDAY.isoformat()}
    plan = api.post("/api/absences/preview/", json=wish).json
    assert (plan["moved"], [step["to_time"] for step in plan["appointments"]]) == (2, ["09:00:00", "09:15:00"])
    transitions.change_appointment_status(second.id, "cancelled", by=SYSTEM)
    stale = api.post("/api/absences/", json=wish | {"seen": plan["seen"]})
    assert (stale.status_code, stale.json["code"]) == (409, "changed")
    made = api.post("/api/absences/", json=wish | {"reason": "Leave"}, headers={"Idempotency-Key": "away-1"})
    again = api.post("/api/absences/", json=wish | {"reason": "Leave"}, headers={"Idempotency-Key": "away-1"})
    assert again.json == made.json
    assert (made.status_code, made.json["moved"], made.json["left"]) == (201, 1, [])
    assert _now(first)[2] == TUESDAY
    none_left = api.post(f"/api/absences/{made.json['id']}/appointments/", json={"bookings": "cancel"})
    assert (none_left.status_code, none_left.json["code"]) == (409, "none_left")


def test_the_api_lists_and_removes_absences(program, bah, person):
    front, api = person("receptionist"), program("receptionist")
    made = actions.record_absence(bah.id, starts=_at(9), ends=_at(10), reason="Leave", by=front).absence
    where = f"/api/absences/{made.id}/"
    body = {"doctor": bah.id, "date": MONDAY.isoformat()}
    wish = body | {"bookings": "move_day", "to_date": TUESDAY.isoformat()}
    assert api.post(f"{where}appointments/", json={}).status_code == 400
    day = MONDAY.isoformat()
    listed = program("nurse").get(f"/api/absences/?doctor={bah.id}&date={day}").json
    assert [row["reason"] for row in listed] == ["Leave"]
    assert program("nurse").get(f"/api/absences/?date={TUESDAY.isoformat()}").json == []
    for wrong in ({"bookings": "x"}, {"to_doctor": 2**64}, {"date": "x"}, {"starts": "25:00"}, {"doctor": True}):
        assert api.post("/api/absences/preview/", json=wish | wrong).status_code == 400, wrong
    assert program("nurse").post("/api/absences/", json=wish).status_code == 403
    assert program("doctor").post("/api/absences/preview/", json=wish).status_code == 404
    assert program("doctor").delete(where).status_code == 404
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_a_booking_above_a_lowered_capacity_takes_the_place_that_is_left(person, desk):
    doctor, admin = factories.doctor(), person("admin")
    factories.hours(doctor.id, weekdays=(0,), capacity=2, overbooking=1)
    one, two = _book(doctor, "10:00", "10:00")
    assert (one.place, two.place) == (1, 2)
    long = transitions.edit_appointment(two.id, duration_minutes=20, by=admin)
    assert (long.place, long.duration_minutes) == (2, 20)
    when = {"doctor_id": doctor.id, "date": MONDAY, "time": dt.time(10), "is_overbooked": True}
    extra = bookings.book(patient_id=factories.patient().id, **when, by=admin)
    longer = bookings.move(extra.id, date=MONDAY, time=dt.time(10), duration_minutes=30, by=admin)
    assert (longer.is_overbooked, longer.duration_minutes) == (True, 30), "a longer overbooking keeps its mark"
    transitions.change_appointment_status(extra.id, "cancelled", by=admin)
    hours.end_hours(database.session.scalars(select(WorkingHours.id)).one(), by=admin)
    hours.add_hours(doctor.id, weekday=0, starts=dt.time(8), ends=dt.time(12), capacity=1, by=admin)
    transitions.change_appointment_status(one.id, "cancelled", by=admin)
    board = desk("receptionist").get(f"/appointments/?date={MONDAY.isoformat()}").get_data(as_text=True)
    assert "time=10:00" not in board
    with pytest.raises(bookings.SlotTaken) as refused:
        _book(doctor, "10:00")
    assert refused.value.code == "doctor_booked"
    assert refused.value.alternative == (MONDAY, dt.time(10, 30))
    transitions.change_appointment_status(two.id, "cancelled", by=admin)
    assert _book(doctor, "10:00")[0].place == 1
