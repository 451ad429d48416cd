"""The week: half-days of every doctor, one doctor's slots, and moving a booking from a board."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.absences import actions as absence_actions
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.calendar import week_queries
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.person import SYSTEM
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.page import words

TEN = dt.time(10)


@pytest.fixture
def bah(db):
    made = factories.doctor()
    factories.hours(made.id, starts="08:00", ends="14:00", weekdays=(0, 2))
    return made


def book(bah, day=MONDAY, time=TEN):
    return booking_actions.book(patient_id=factories.patient().id, doctor_id=bah.id, date=day, time=time, by=SYSTEM)


def read(client, **query):
    return words(client.get("/appointments/week", query_string=query).get_data(as_text=True))


def test_the_week_begins_on_monday():
    for day in (MONDAY, MONDAY + dt.timedelta(days=3), MONDAY + dt.timedelta(days=6)):
        days = week_queries.list_week_days(day)
        assert (days[0], len(days), days[-1].weekday()) == (MONDAY, 7, 6)


def test_half_days_say_how_many_places_are_free_and_link_to_the_day(desk, bah):
    book(bah)
    book(bah, time=dt.time(13))
    missed = book(bah, time=dt.time(11))
    with clock.frozen_at(clock.at(MONDAY, dt.time(16))):
        transitions.change_appointment_status(missed.id, "no_show", by=SYSTEM)
    wednesday = MONDAY + dt.timedelta(days=2)
    starts = clock.at(wednesday, dt.time(8))
    absence_actions.record_absence(
        bah.id, starts=starts, ends=starts + dt.timedelta(hours=4), reason="Ward round", by=SYSTEM
    )
    page = desk("receptionist").get(f"/appointments/week?date={wednesday.isoformat()}").get_data(as_text=True)
    assert "a.m. 15 free p.m. 7 free" in words(page), "a patient who did not come leaves no free place"
    assert "– p.m. 8 free" in words(page), "the blocked morning offers nothing"
    assert f'href="/appointments/?date={MONDAY.isoformat()}"' in page
    assert f"doctor={bah.id}&amp;date=" in page
    assert "No doctor" in read(desk("receptionist"), date="1 1 2001", doctor=0)


def test_heads_say_how_many_places_are_free_and_not_how_few_are_booked(desk, bah):
    book(bah)
    reader = desk("receptionist")
    week = read(reader, date=MONDAY.isoformat(), doctor=bah.id)
    heads = week[week.index("Time Mon") : week.index(" 08:00")]
    assert heads.count("no clinic hours") == 5
    assert "23 free · 1 booked Tue" in heads
    assert "24 free Thu" in heads
    for page in ("/appointments/", "/appointments/sheet"):
        assert "23 free · 1 booked" in words(reader.get(f"{page}?date={MONDAY.isoformat()}").get_data(as_text=True))
    for at in (time for hour in range(8, 14) for time in (dt.time(hour, minute) for minute in (0, 15, 30, 45))):
        if at != TEN:
            book(bah, time=at)
    assert "none free · 24 booked" in read(reader, date=MONDAY.isoformat(), doctor=bah.id)
    with clock.frozen_at(clock.at(MONDAY + dt.timedelta(days=1), dt.time(9))):
        past = read(desk("receptionist"), date=MONDAY.isoformat(), doctor=bah.id)
    assert "24 booked Tue" in past
    assert "free · 24 booked" not in past


def test_one_doctors_week_links_free_slots_and_bookings(desk, bah):
    booking = book(bah)
    client = desk("receptionist")
    page = client.get("/appointments/week", query_string={"doctor": bah.id, "date": MONDAY}).get_data(as_text=True)
    assert f'/appointments/new?doctor={bah.id}&amp;date={MONDAY.isoformat()}&amp;time=10:15"' in page
    assert f'data-id="{booking.id}" data-moves data-version="1" draggable="true"' in " ".join(page.split())
    assert "data-moves" not in desk("nurse").get(f"/appointments/week?doctor={bah.id}&date={MONDAY}").get_data(
        as_text=True
    )
    for path in (f"/appointments/week/rows?doctor={bah.id}&date={MONDAY}", "/appointments/week/rows"):
        assert client.get(path).status_code == 200
    assert client.get("/appointments/week?doctor=999999999&date=x").status_code == 400
    assert "KAMARA" not in read(desk("doctor"), date=MONDAY.isoformat())


def test_moving_from_a_board_returns_to_it_or_shows_the_refusal(desk, bah):
    booking, client = book(bah), desk("receptionist")
    board = f"/appointments/week?doctor={bah.id}&date={MONDAY.isoformat()}"
    wednesday = MONDAY + dt.timedelta(days=2)
    typed = {"doctor": bah.id, "date": wednesday.isoformat(), "time": "11:00", "next": board}
    moved = client.form(f"/appointments/{booking.id}/move", **typed)
    assert (moved.status_code, moved.location) == (303, board)
    assert (booking.date, booking.time) == (wednesday, dt.time(11))
    assert "Moved to 11:00" in words(client.get(board).get_data(as_text=True))
    book(bah, time=dt.time(9))
    taken = client.form(f"/appointments/{booking.id}/move", **(typed | {"date": MONDAY.isoformat(), "time": "09:00"}))
    html = taken.get_data(as_text=True)
    assert taken.status_code == 409
    assert "This time was just taken. The next free time is 09:15" in words(html)
    assert "What is different" not in html, "nobody else changed the booking"
    assert f'name="next" value="{board.replace("&", "&amp;")}"' in html
    away = client.form(f"/appointments/{booking.id}/move", **(typed | {"next": "https://elsewhere.example/"}))
    assert away.location.startswith("/appointments/") or "elsewhere" not in (away.location or "")


def test_the_week_needs_as_many_queries_for_many_bookings_as_for_few(desk, bah):
    client, path = desk("receptionist"), f"/appointments/week?date={MONDAY}&doctor="
    book(bah)
    few = client.queries(path + "0"), client.queries(path + str(bah.id))
    for hour in (8, 9, 11, 12):
        book(bah, time=dt.time(hour))
    other = factories.doctor("dr.cole", last_name="Cole")
    factories.hours(other.id)
    assert (client.queries(path + "0"), client.queries(path + str(bah.id))) == few
