"""Recurring bookings: preview, booking, and moving or cancelling one and all that follow; pages and API."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.enums import Clash, RepeatUnit
from hms.appointments.holidays import actions as holidays
from hms.appointments.models import Appointment
from hms.appointments.series import actions, queries, rules
from hms.appointments.series.rules import Pattern
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import OutgoingMessage
from tests.appointments import factories
from tests.appointments.factories import MONDAY

TEN, WEEK = dt.time(10), dt.timedelta(days=7)
WEEKLY = Pattern(1, RepeatUnit.WEEKS, times=5)


def _dates(booking) -> list[tuple[dt.date, str, str]]:
    """Date, time and status of the bookings of a series, by number."""
    query = select(Appointment).filter_by(series_id=booking.series_id).order_by(Appointment.id)
    rows = database.session.scalars(query.execution_options(populate_existing=True))
    return [((row.date - MONDAY).days // 7, f"{row.time:%H:%M}", row.status) for row in rows]


@pytest.fixture
def first(bah, person):
    """A booking of Monday; the Monday after next is a holiday, and the one after it is taken."""
    patient = factories.patient(phone="+23276000001")
    when = {"doctor_id": bah.id, "time": TEN, "by": SYSTEM}
    made = bookings.book(patient_id=patient.id, date=MONDAY, **when)
    holidays.add_holiday(date=MONDAY + 2 * WEEK, name="Eid", by=person("admin"))
    bookings.book(patient_id=factories.patient("Other").id, date=MONDAY + 3 * WEEK, **when)
    return made


def test_a_booking_is_repeated_on_the_free_dates(first, person):
    settings.change_setting("messages.sms_url", "http://127.0.0.1:9/sms", by=SYSTEM)
    settings.clear_cache()
    plan = queries.plan_series(first, WEEKLY)
    assert [one.clash for one in plan.occurrences] == [None, Clash.HOLIDAY, Clash.DOCTOR_BOOKED, None]
    assert plan.occurrences[1].holiday == "Eid"
    front = person("receptionist")
    with pytest.raises(Conflict, match="changed meanwhile"):
        actions.book_series(first.id, pattern=WEEKLY, seen="another", by=front)
    made = actions.book_series(first.id, pattern=WEEKLY, seen=plan.key, by=front)
    assert _dates(first) == [(0, "10:00", "scheduled"), (1, "10:00", "scheduled"), (4, "10:00", "scheduled")]
    assert {row.duration_minutes for row in made.bookings} == {15}
    outbox.run_due()
    messages = database.session.scalars(select(OutgoingMessage)).all()
    series = [message for message in messages if message.kind == "appointment.series_booked"]
    assert [message.appointment_id for message in series] == [made.bookings[0].id], "one message for all of them"
    assert ": 2, the next on" in series[0].body
    with pytest.raises(Conflict, match="already part of a series"):
        actions.book_series(first.id, pattern=WEEKLY, by=front)
    with pytest.raises(NotFound):
        actions.cancel_following(first.id, reason="Other", by=person("doctor"))


def test_what_cannot_be_a_series():
    for change, field in (
        ({"every": 0}, "every"),
        ({"every": 10**30}, "every"),
        ({"times": 1}, "times"),
        ({"times": 10**30}, "times"),
        ({"times": None}, "times"),
        ({"until": MONDAY + WEEK}, "times"),
        ({"times": None, "until": MONDAY}, "until"),
        ({"times": None, "until": dt.date(9999, 12, 31)}, "until"),
        ({"times": None, "until": MONDAY + dt.timedelta(days=6)}, "until"),
        ({"times": None, "unit": RepeatUnit.DAYS, "until": MONDAY + dt.timedelta(days=60)}, "until"),
    ):
        with pytest.raises(RuleBroken) as refused:
            rules.list_dates(MONDAY, WEEKLY._replace(**change))
        assert refused.value.field == field, change
    dates = rules.list_dates(MONDAY, Pattern(2, RepeatUnit.DAYS, until=MONDAY + dt.timedelta(days=5)))
    assert [(day - MONDAY).days for day in dates] == [2, 4]


def test_one_and_all_that_follow_move_or_are_cancelled(first, bah, person):
    front = person("receptionist")
    second = actions.book_series(first.id, pattern=WEEKLY, by=front).bookings[0]
    bookings.book(
        patient_id=factories.patient("Third").id, doctor_id=bah.id, date=MONDAY + 5 * WEEK, time=dt.time(11), by=SYSTEM
    )
    move = {"date": MONDAY + 2 * WEEK, "time": dt.time(11)}
    plan = queries.plan_following(second, queries.Shift(*move.values(), bah.id), front)
    assert [step.clash for step in plan.by_time] == [Clash.HOLIDAY, Clash.DOCTOR_BOOKED]
    with pytest.raises(RuleBroken, match="None of these appointments fits"):
        actions.move_following(second.id, **move, by=front)
    moved = actions.move_following(first.id, date=MONDAY + WEEK, time=TEN, by=front)
    assert [step.clash for step in moved.by_time] == [Clash.PATIENT_BOOKED, Clash.HOLIDAY, None]
    assert _dates(first) == [(0, "10:00", "scheduled"), (1, "10:00", "scheduled"), (5, "10:00", "scheduled")]
    seen = queries.plan_following(second, None, front).key
    with pytest.raises(RuleBroken, match="reason"):
        actions.cancel_following(second.id, reason="", by=front)
    with pytest.raises(Conflict, match="changed meanwhile"):
        actions.cancel_following(first.id, reason="Other", seen=seen, by=front)
    actions.cancel_following(second.id, reason="Other", seen=seen, by=front)
    assert [status for _week, _time, status in _dates(first)] == ["scheduled", "cancelled", "cancelled"]
    with pytest.raises(Conflict, match="still to come"):
        actions.cancel_following(second.id, reason="Other", by=front)


def test_the_api_repeats_moves_and_cancels(first, program):
    api, where = program("receptionist"), f"/api/appointments/{first.id}"
    body = {"every": 1, "unit": "weeks", "times": 5}
    plan = api.post(f"{where}/series/preview/", json=body).json
    assert [one["clash"] for one in plan["dates"]] == [None, "holiday", "doctor_booked", None]
    assert api.post(f"{where}/following/", json={"cancel": True, "reason": "Other"}).json["code"] == "no_series"
    assert api.post(f"{where}/series/", json=body | {"seen": "x"}).json["code"] == "changed"
    made = api.post(f"{where}/series/", json=body | {"seen": plan["seen"]})
    assert (made.status_code, len(made.json["booked"]), len(made.json["left"])) == (201, 2, 2)
    assert api.get(f"{where}/").json["series"] == made.json["series"]
    move = {"date": MONDAY.isoformat(), "time": "09:00"}
    plan = api.post(f"{where}/following/preview/", json=move).json
    assert [step["to_time"] for step in plan["appointments"]] == ["09:00:00"] * 3
    moved = api.post(f"{where}/following/", json=move | {"seen": plan["seen"]})
    assert moved.status_code == 200
    for wrong in ({"every": 0}, {"unit": "years"}, {"times": 10**30}, {"until": "x"}, {"times": None}):
        assert api.post(f"{where}/series/preview/", json=body | wrong).status_code == 400, wrong
    for wrong in (
        {},
        {"date": MONDAY.isoformat()},
        move | {"doctor": 2**64},
        {"cancel": True},
        move | {"date": "9999-12-31"},
    ):
        assert api.post(f"{where}/following/", json=wrong).status_code == 400, wrong
    assert program("lab").post(f"{where}/series/", json=body).status_code == 403
    assert len(api.post(f"{where}/following/", json={"cancel": True, "reason": "Other"}).json["appointments"]) == 3
    assert {status for _week, _time, status in _dates(first)} == {"cancelled"}
