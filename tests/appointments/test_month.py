"""The month view and its API, and the filters of the calendar that are kept for the person."""

from __future__ import annotations

import datetime as dt

from hms.appointments.absences import actions as absences
from hms.appointments.bookings import actions as bookings
from hms.appointments.calendar import month_queries
from hms.appointments.holidays import actions as holidays
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.staff.models import User
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.page import words

TEN, DAY = dt.time(10), dt.timedelta(days=1)


def _book(doctor, day=MONDAY):
    who = factories.patient().id
    return bookings.book(patient_id=who, doctor_id=doctor.id, date=day, time=TEN, by=SYSTEM)


def test_the_days_of_a_month_are_counted_in_few_statements(desk, program, bah, person):
    cole = factories.doctor("dr.cole", last_name="Cole")
    factories.hours(cole.id, weekdays=(0,), starts="08:00", ends="09:00")
    _book(bah)
    holidays.add_holiday(date=MONDAY + DAY, name="Eid", by=person("admin"))
    start = clock.at(MONDAY + 2 * DAY, dt.time(8))
    absences.record_absence(bah.id, starts=start, ends=start + dt.timedelta(hours=2), by=SYSTEM)
    monday, eid, away = month_queries.count_days(MONDAY, MONDAY + 2 * DAY)
    assert (monday.free, monday.booked, monday.away) == (19, 1, {})
    assert (eid.free, eid.booked, eid.holiday) == (0, 0, "Eid")
    assert (away.free, list(away.away)) == (8, [bah.id])
    front = desk("receptionist")
    page = front.get(f"/appointments/month?date={MONDAY.isoformat()}").get_data(as_text=True)
    assert "Eid" in page
    assert "19 free 1 booked" in words(page)
    assert f"away: {bah.display_name}" in words(page)
    before = front.queries(f"/appointments/month?date={MONDAY.isoformat()}")
    for number in range(10):
        other = factories.doctor(f"dr.{number}", last_name=f"Name{number}")
        factories.hours(other.id)
        _book(other)
    assert front.queries(f"/appointments/month?date={MONDAY.isoformat()}") <= before <= 12


def test_the_api_counts_days(program, bah, person):
    _book(bah)
    holidays.add_holiday(date=MONDAY + DAY, name="Eid", by=person("admin"))
    start = clock.at(MONDAY + 2 * DAY, dt.time(8))
    absences.record_absence(bah.id, starts=start, ends=start + dt.timedelta(hours=2), by=SYSTEM)
    api, query = program("nurse"), f"date_from={MONDAY.isoformat()}&date_to={(MONDAY + 2 * DAY).isoformat()}"
    rows = api.get(f"/api/calendar/?{query}&doctor={bah.id}").json
    assert [(row["free"], row["booked"], row["holiday"]) for row in rows] == [
        (15, 1, None),
        (0, 0, "Eid"),
        (8, 0, None),
    ]
    assert rows[2]["away"] == [bah.id]
    assert len(api.get("/api/calendar/").json) == 31
    for outside in ("date_from=1800-01-01", "date=9999-12-31"):
        assert api.get(f"/api/calendar/?{outside}").get_json() == [], outside
    for wrong in ("date_from=2026-01-01&date_to=2027-01-01", "doctor=x"):
        assert api.get(f"/api/calendar/?{wrong}").status_code == 400, wrong


def test_the_filters_are_kept_for_the_person(desk, bah):
    cole = factories.doctor("dr.cole", last_name="Cole")
    factories.hours(cole.id)
    front, day = desk("receptionist"), f"?date={MONDAY.isoformat()}"
    views = (
        f"/appointments/{day}",
        f"/appointments/week{day}",
        f"/appointments/month{day}",
        f"/appointments/{day}&view=list",
    )

    def shown(client, path):
        text = client.get(path).get_data(as_text=True)
        return f'value="{cole.id}" selected' in text

    assert not any(shown(front, path) for path in views)
    for page, where in (("month", "/appointments/month"), ("week", "/appointments/week"), ("day", "/appointments/")):
        kept = front.form(f"/appointments/{day}", doctor=str(cole.id), page=page, date=f"{MONDAY:%d/%m/%Y}")
        assert (kept.status_code, kept.location.partition("?")[0]) == (303, where)
    assert all(shown(front, path) for path in views)
    board = front.get(f"/appointments/{day}").get_data(as_text=True)
    assert cole.display_name in board
    assert f"doctor={bah.id}&" not in board
    assert not shown(desk("nurse"), views[0]), "each person has their own"
    sheet = front.get(f"/appointments/sheet{day}").get_data(as_text=True)
    assert bah.display_name in sheet
    assert cole.display_name in sheet
    assert bah.display_name in front.get(f"/appointments/{day}&doctor=0").get_data(as_text=True)
    assert (
        front.form(f"/appointments/{day}", doctor="x" * 50, department="-1", page="?", date="?" * 99).status_code == 303
    )
    assert not any(shown(front, path) for path in views)
    assert front.get(f"/appointments/month?date={'9' * 30}").status_code == 400


def test_the_kept_filter_of_a_doctor_who_left_hides_nobody(desk, bah):
    cole, front = factories.doctor("dr.cole", last_name="Cole"), desk("receptionist")
    _book(bah)
    front.form(f"/appointments/?date={MONDAY.isoformat()}", doctor=str(cole.id), page="day")
    with action_context("tests.leaves", SYSTEM):
        database.session.get(User, cole.id).is_active = False
    assert bah.display_name in words(front.get(f"/appointments/?date={MONDAY.isoformat()}").get_data(as_text=True))
