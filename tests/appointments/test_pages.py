"""The pages of appointments and the queue, without JavaScript."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.absences import actions as absence_actions
from hms.appointments.availability import queries as availability_queries
from hms.appointments.bookings import actions as booking_actions
from hms.appointments.bookings import queries as booking_queries
from hms.appointments.models import Appointment, QueueEntry
from hms.appointments.queue import actions as queue_actions
from hms.appointments.queue import queries as queue_queries
from hms.appointments.queue import transitions
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from tests.appointments import factories
from tests.appointments.factories import MONDAY
from tests.page import Page, words

TEN = dt.time(10)


@pytest.fixture
def booked(bah):
    def make(day=MONDAY, time=TEN, patient=None, **more):
        patient = patient or factories.patient(title="Mrs")
        return booking_actions.book(patient_id=patient.id, doctor_id=bah.id, date=day, time=time, by=SYSTEM, **more)

    return make


def read(answer):
    return words(answer.get_data(as_text=True))


def test_the_board_shows_each_doctors_slots(desk, booked, bah):
    booking = booked()
    page = desk("receptionist").get(f"/appointments/?date={MONDAY.isoformat()}")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert f'href="/appointments/new?doctor={bah.id}&amp;date={MONDAY.isoformat()}&amp;time=10:15"' in text
    assert f'href="/appointments/{booking.id}"' in text
    assert "time=10:00" not in text
    assert "KAMARA, Kadiatu (Mrs) booked" in read(page)
    assert "15 free · 1 booked" in read(page)


def test_the_board_shows_blocked_time_extra_bookings_and_statuses(desk, booked, bah):
    starts = clock.at(MONDAY, dt.time(8))
    absence_actions.record_absence(
        bah.id, starts=starts, ends=starts + dt.timedelta(minutes=30), reason="Ward round", by=SYSTEM
    )
    booked(time=dt.time(15, 7))
    booking = booked()
    with clock.frozen_at(clock.at(MONDAY, dt.time(16))):
        transitions.change_appointment_status(booking.id, "no_show", by=SYSTEM)
    text = read(desk("nurse").get(f"/appointments/?date={MONDAY.isoformat()}"))
    assert text.count("Ward round") == 2
    assert "15:07 KAMARA, Kadiatu (Mrs) booked · extra" in text
    assert "did not come" in text


@pytest.mark.parametrize(
    ("time", "line"),
    [
        (dt.time(10, 7), 'data-key="10:15" data-now="before"'),
        (dt.time(19), 'data-key="11:45" data-now="after"'),
    ],
)
def test_the_board_of_today_has_a_line_at_now_past_slots_and_late_patients(desk, booked, bah, time, line):
    today = clock.today()
    with clock.frozen_at(clock.at(today, dt.time(7))):
        booked(today, time=dt.time(8))
    with clock.frozen_at(clock.at(today, time)):
        reception = desk("receptionist")
        board = reception.get("/appointments/").get_data(as_text=True)
        listed = read(reception.get("/appointments/?view=list&show=expected"))
        week = reception.get(f"/appointments/week?doctor={bah.id}").get_data(as_text=True)
        overview = read(reception.get("/appointments/week"))
    assert line in board
    assert line in week
    assert "slot--past" in board
    assert 'time=08:15"' not in board
    assert "KAMARA, Kadiatu (Mrs) booked · late" in words(board)
    assert f"Booked late {'2hr 7min' if time.hour == 10 else '11hr'}" in listed
    assert ("a.m. 8 free" in overview) == (time.hour == 10), "past places are not free"


def test_a_day_without_clinic_hours_links_to_the_next_clinic_day(desk, db):
    lone = factories.doctor("dr.lone", last_name="Lone")
    factories.hours(lone.id, weekdays=(MONDAY.weekday(),))
    page = desk("receptionist").get(f"/appointments/?date={(MONDAY + dt.timedelta(days=1)).isoformat()}")
    assert "No doctor has clinic hours on this day." in read(page)
    assert f"date={(MONDAY + dt.timedelta(days=7)).isoformat()}" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("query", "status"), [("date=rubbish", 400), ("date=9999-12-31", 400), ("first=x&department=-4", 200)]
)
def test_a_wrong_date_in_the_address_is_reported_on_the_page(desk, bah, query, status):
    assert desk("receptionist").get(f"/appointments/?{query}").status_code == status


def test_the_list_pages_by_time_and_back(desk, booked, bah):
    for number in range(30):
        booked(time=dt.time(8 + number // 4, 15 * (number % 4)), patient=factories.patient(f"Given{number}"))
    client, base = desk("receptionist"), f"/appointments/?date={MONDAY.isoformat()}&view=list"
    first = booking_queries.list_day(MONDAY)
    assert (len(first.rows), first.before, first.after) == (25, None, (dt.time(14), first.rows[-1].id))
    second = booking_queries.list_day(MONDAY, after=first.after)
    assert (len(second.rows), second.after) == (5, None)
    assert [row.id for row in booking_queries.list_day(MONDAY, before=second.before).rows] == [
        row.id for row in first.rows
    ]
    page = client.get(base)
    assert "25 shown" in read(page)
    assert client.get(f"{base}&after={first.after[0]}-{first.after[1]}").status_code == 200
    assert client.get(f"{base}&after=nonsense&before=1-x").status_code == 200


def test_booking_without_javascript_looks_up_shows_times_and_books(desk, bah):
    patient, client = factories.patient("Zainab", "Turay"), desk("receptionist")
    path = f"/appointments/new?doctor={bah.id}&date={MONDAY.isoformat()}"
    looked_up = client.form(path, doctor=bah.id, patient_text="Turay", look_up="patient_text")
    assert looked_up.status_code == 200
    assert f'value="{patient.id}"' in looked_up.get_data(as_text=True)
    done = client.form(path, doctor=bah.id, patient=patient.id, time="10:15", notes="Dressing")
    assert done.status_code == 303
    booking = database.session.query(Appointment).one()
    assert (booking.time, booking.notes, booking.patient_id) == (dt.time(10, 15), "Dressing", patient.id)
    assert "Booked: TURAY, Zainab" in read(client.get(done.location))


def test_the_booking_page_shows_whom_it_is_for_and_asks_for_the_doctor(desk, booked, bah):
    patient, client = factories.patient(title="Mrs"), desk("receptionist")
    booked(patient=patient)
    blank = client.get("/appointments/new").get_data(as_text=True)
    assert '<option value="" selected>Choose a doctor</option>' in blank
    assert "Choose a doctor to see the free times." in words(blank)
    number = patient.hospital_number
    shown = read(client.get(f"/appointments/upcoming?patient={patient.id}"))
    assert f"KAMARA, Kadiatu (Mrs) Born Not recorded Female {number}" in shown
    assert "10:00 Dr Amadu Bah" in shown
    path = f"/appointments/new?patient={patient.id}"
    assert f"– · {number}" in read(client.get(path)), "beside the field, too"
    assert "Choose a doctor." in read(client.form(path, time="10:00"))
    assert client.get("/appointments/upcoming?patient=999999").status_code == 404
    assert desk("cashier").get("/appointments/upcoming").status_code == 403


def test_a_taken_time_keeps_what_was_typed_and_offers_the_next(desk, booked, bah):
    booked()
    patient, client = factories.patient("Zainab", "Turay"), desk("receptionist")
    path = f"/appointments/new?doctor={bah.id}&date={MONDAY.isoformat()}&time=10:00&patient={patient.id}"
    refused = client.form(path, doctor=bah.id, time="10:00", notes="Dressing")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert "This time was just taken. Next free: 10:15" in read(refused)
    assert 'value="Dressing"' in text
    assert "<title>Error:" in text
    taken = client.form(path, doctor=bah.id, notes="Dressing", take=f"{MONDAY.isoformat()} 10:15:00")
    assert taken.status_code == 303


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"patient": ""}, "Fill in “Patient”."),
        ({"patient": "x"}, "Choose one from the list."),
        ({"time": ""}, "Choose a time."),
        ({"other_time": "99:99"}, "Enter the time like 09:30."),
        ({"date": "rubbish"}, "Enter day, month and year"),
        ({"date": "1 1 2020"}, "That time is past."),
        ({"other_time": "03:00"}, "The doctor has no clinic hours at that time."),
        ({"doctor": "999999"}, "does not exist"),
        ({"notes": "x" * 501}, "Use at most 500 characters"),
        ({"notes": "a\x07"}, "Remove the characters"),
    ],
)
def test_bad_input_is_reported_at_the_field_and_kept(desk, bah, typed, message):
    path = f"/appointments/new?doctor={bah.id}&date={MONDAY.isoformat()}&patient={factories.patient().id}"
    answer = desk("receptionist").form(path, **({"doctor": bah.id, "time": "10:00", "notes": "Kept words"} | typed))
    assert answer.status_code == 400
    assert message in read(answer)
    assert "notes" in typed or 'value="Kept words"' in answer.get_data(as_text=True)
    assert database.session.query(Appointment).count() == 0


def test_a_double_submit_is_one_booking(desk, bah):
    patient, client = factories.patient(), desk("receptionist")
    page = client.get(f"/appointments/new?doctor={bah.id}&date={MONDAY.isoformat()}&patient={patient.id}")
    form = next(form for form in Page(page.get_data(as_text=True)).forms if "notes" in form["fields"])
    data = {**form["fields"], "doctor": bah.id, "time": "10:00"}
    first, second = (client.post("/appointments/new", data=data) for _press in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert database.session.query(Appointment).count() == 1


def test_the_patient_field_lists_matches(desk, db):
    patient = factories.patient("Zainab", "Turay", birth_date=dt.date(1991, 3, 13))
    rows = desk("receptionist").get("/appointments/patients?q=turay").json
    assert [(row["value"], row["label"]) for row in rows] == [(str(patient.id), "TURAY, Zainab")]
    assert "13-Mar-1991" in rows[0]["detail"]
    assert desk("cashier").get("/appointments/patients?q=turay").status_code == 403


def test_a_move_is_undone_by_the_button_of_its_message(desk, booked, bah):
    booking, client = booked(), desk("receptionist")
    moved = client.form(f"/appointments/{booking.id}/move", doctor=bah.id, time="11:00")
    forms = Page(client.get(moved.location).get_data(as_text=True)).forms
    undo = next(form for form in forms if (form["action"] or "").endswith("/move"))
    assert client.post(undo["action"], data=undo["fields"]).status_code == 303
    assert (booking.time, booking.status) == (TEN, "scheduled")


def test_moving_to_a_time_taken_meanwhile_is_refused(desk, booked, bah):
    booking, client = booked(), desk("receptionist")
    moved = client.form(f"/appointments/{booking.id}/move", doctor=bah.id, time="11:00")
    assert (moved.status_code, booking.time) == (303, dt.time(11))
    page = client.get(moved.location)
    assert "Moved to 11:00" in read(page)
    assert "Moved from 10:00" in read(page)
    booked(time=TEN)
    taken = client.form(f"/appointments/{booking.id}/move", doctor=bah.id, time="10:00")
    assert taken.status_code == 409
    assert "Move to 10:15" in read(taken)


def test_cancelling_with_a_reason_can_be_undone(desk, booked):
    booking, client = booked(), desk("receptionist")
    assert 'id="cancel" tabindex="-1"' in client.get(f"/appointments/{booking.id}").get_data(as_text=True)
    page = client.get(client.form(f"/appointments/{booking.id}", reason="Patient asked").location)
    assert booking.status == "cancelled"
    assert "Reason: Patient asked" in read(page)
    assert client.form(f"/appointments/{booking.id}").status_code == 303
    assert booking.status == "scheduled"


def test_checking_in_shows_the_token_with_an_undo(desk, booked):
    booking, client = booked(clock.today()), desk("receptionist")
    done = client.form(f"/appointments/{booking.id}")
    page = client.get(done.location)
    assert "Token 1 – KAMARA, Kadiatu (Mrs)" in read(page)
    entry = database.session.query(QueueEntry).one()
    assert f'action="/queue/{entry.id}/undo-check-in"' in page.get_data(as_text=True)


def test_what_the_role_may_not_do_is_not_offered(desk, booked):
    booking = booked(clock.today())
    page = desk("cashier").get(f"/appointments/{booking.id}").get_data(as_text=True)
    assert "Check in" not in page
    assert "Reason for the visit" not in page
    assert desk("doctor").get(f"/appointments/{booking.id}/move").status_code == 404


def test_the_search_list_checks_in_with_one_post(desk, db):
    patient, client = factories.patient(), desk("receptionist")
    token = Page(client.get("/queue/").get_data(as_text=True)).forms[1]["fields"]["csrf_token"]
    done = client.post("/queue/add", data={"csrf_token": token, "patient_id": patient.id})
    assert (done.status_code, done.location) == (303, "/queue/")
    assert "Token 1 – KAMARA, Kadiatu" in read(client.get("/queue/"))
    twice = client.post("/queue/add", data={"csrf_token": token, "patient_id": patient.id})
    assert twice.status_code == 409
    assert "already in the queue with token 1" in read(twice)


def test_the_check_in_form_names_the_patient_and_the_booking_of_today(desk, booked, bah):
    booking = booked(clock.today(), time=dt.time(9))
    page = desk("receptionist").get(f"/queue/add?patient={booking.patient_id}")
    assert "Booked today at 09:00 with Dr Amadu Bah" in read(page)
    assert desk("receptionist").get("/queue/add?patient=999999").status_code == 404


def test_the_check_in_form_says_who_waits_already(desk, booked, bah):
    booking = booked(clock.today(), time=dt.time(9))
    client = desk("receptionist")
    client.form(f"/queue/add?patient={booking.patient_id}")
    page = read(client.get(f"/queue/add?patient={booking.patient_id}"))
    assert "In the queue with token 1, Dr Amadu Bah." in page
    assert "will be checked in" not in page
    assert 'data-ux="queue-add-save"' not in page


def test_a_receptionist_calls_and_a_doctor_goes_to_the_encounter(desk, db):
    for _person in range(2):
        factories.waiting(factories.patient().id)
    client = desk("receptionist")
    assert client.form("/queue/").location == "/queue/"
    assert "Called: token 1" in read(client.get("/queue/"))
    second = database.session.query(QueueEntry).filter_by(token=2).one()
    opened = desk("doctor").form("/queue/")
    assert (opened.status_code, opened.location) == (307, f"/queue/{second.id}/start")
    nobody = desk("nurse")
    nobody.form("/queue/")
    assert "Nobody is waiting." in read(nobody.get("/queue/"))


def test_save_and_check_in_is_one_press(desk, db):
    client = desk("receptionist")
    forms = Page(client.get("/patients/new").get_data(as_text=True)).forms
    person = {"first_name": "Isatu", "last_name": "Bangura", "gender": "female", "date_of_birth": "13 3 1991"}
    typed = next(form["fields"] for form in forms if form["action"] == "/patients/new") | person | {"then": "queue"}
    referrer = {"Referer": "http://localhost/patients/new"}
    saved = client.post("/patients/new", data=typed, headers=referrer)
    assert saved.status_code == 307, "the browser posts the same form again"
    done = client.post(saved.location, data=typed, headers=referrer)
    assert (done.status_code, done.location) == (303, "/queue/")
    assert "Token 1 – BANGURA, Isatu" in read(client.get("/queue/"))
    assert database.session.query(QueueEntry).one().status == "waiting"


@pytest.mark.parametrize("address", ["/queue/call-next", "/queue/{}/call"])
def test_a_doctor_calls_and_opens_with_one_press(desk, db, address):
    entry, client = factories.waiting(factories.patient().id), desk("doctor")
    fields = Page(client.get("/queue/").get_data(as_text=True)).forms[1]["fields"]
    called = client.post(address.format(entry.id), data=fields)
    assert (called.status_code, called.location) == (307, f"/queue/{entry.id}/start")
    opened = client.post(called.location, data=fields)
    assert opened.location.startswith("/encounters/")
    assert entry.status == "in_service"


def test_the_queue_shows_long_waits_same_names_and_priorities(desk, db):
    factories.waiting(factories.patient("Foday", "Sesay").id, minutes_ago=61)
    factories.waiting(factories.patient("Foday", "Sesay").id, priority=2)
    text = read(desk("nurse").get("/queue/"))
    assert "1hr 1min !" in text
    assert text.count("same name as another patient") == 2
    assert "Urgent" in text


def test_the_queue_of_one_doctor_is_kept_for_the_person(desk, bah, db):
    cole = factories.doctor("dr.cole", last_name="Cole")
    factories.waiting(factories.patient("Foday", "Sesay").id, doctor_id=cole.id, minutes_ago=30)
    entry, client = factories.waiting(factories.patient().id, doctor_id=bah.id), desk("receptionist")
    assert "SESAY" in read(client.get("/queue/"))
    client.form("/queue/", 1, doctor=bah.id)
    page = desk("receptionist").get("/queue/").get_data(as_text=True)
    assert f'href="/patients/{entry.patient_id}"' in page, "the name opens the record"
    assert "SESAY" not in words(page)
    assert "Waiting 1" in words(page)
    assert f"/queue/rows?show=waiting&amp;doctor={bah.id}" in page, "the part that renews itself shows the same"
    assert "SESAY" in read(desk("nurse").get("/queue/")), "kept for one person"
    client.form("/queue/")
    assert entry.status == "called", "the next is called of those who are shown"
    client.form("/queue/", 1, doctor="")
    assert "SESAY" in read(client.get("/queue/"))


def test_priority_doctor_and_leaving_can_be_changed_in_the_queue(desk, bah):
    entry, client = factories.waiting(factories.patient().id), desk("nurse")
    token = Page(client.get("/queue/").get_data(as_text=True)).forms[1]["fields"]["csrf_token"]

    def press(what, **data):
        return client.post(f"/queue/{entry.id}/{what}", data={"csrf_token": token, **data})

    press("priority", priority="1")
    assert entry.priority == 1
    press("priority", priority="nonsense")
    assert "Choose Emergency" in read(client.get("/queue/"))
    press("send", doctor=str(bah.id))
    assert entry.doctor_id == bah.id
    press("call")
    press("undo-call")
    assert entry.status == "waiting"
    press("leave")
    assert entry.status == "left"
    press("come-back")
    press("call")
    press("undo-check-in")
    assert "was already called" in read(client.get("/queue/"))
    press("finish")
    assert "Done 1" in read(client.get("/queue/?show=done"))


def test_a_long_queue_shows_its_first_rows_and_all_when_asked(desk, monkeypatch, db):
    for minutes in (90, 10):
        factories.waiting(factories.patient("Foday", "Sesay").id, minutes_ago=minutes)
    monkeypatch.setattr(queue_queries, "FIRST_ROWS", 1)
    nurse = desk("nurse")
    first = read(nurse.get("/queue/"))
    assert "The first 1 of 2 are shown." in first
    assert first.count("same name as another patient") == 1, "said although the other one is not shown"
    everyone = nurse.get("/queue/?show=waiting&all=1").get_data(as_text=True)
    assert words(everyone).count("same name as another patient") == 2
    assert "are shown." not in words(everyone)
    assert "/queue/rows?show=waiting&amp;all=1" in everyone, "the part that renews itself shows all, too"


def test_the_board_shows_each_reader_their_buttons_and_the_present_row(desk, db):
    patient = factories.patient()
    entry = factories.waiting(patient.id)
    assert "Record vitals of token" in read(desk("nurse").get("/queue/"))
    for_reception = read(desk("receptionist").get("/queue/"))
    assert "Undo check-in" in for_reception
    assert "Record vitals" not in for_reception
    for_reader = read(desk("cashier").get("/queue/"))
    assert "KAMARA, Kadiatu" in for_reader
    assert "Call again" not in for_reader
    assert "Undo check-in" not in for_reader
    patient.family_name, entry.priority = "Sesay & <b>", 1
    db.session.flush()
    anew = read(desk("nurse").get("/queue/"))
    assert "SESAY & <B>, Kadiatu" in anew
    assert "Emergency" in anew
    assert "KAMARA" not in anew


def test_two_buttons_of_one_page_run_two_actions(desk, db):
    """Without JavaScript the browser's Back shows the same form again."""
    first, second = (factories.waiting(factories.patient(name).id) for name in ("Foday", "Musa"))
    client = desk("nurse")
    forms = Page(client.get("/queue/").get_data(as_text=True)).forms
    board = next(form["fields"] for form in forms if form["method"] == "post" and form["action"] is None)
    for address in (f"/queue/{first.id}/call", f"/queue/{second.id}/call", f"/queue/{first.id}/leave"):
        assert client.post(address, data=board).status_code == 303
    assert (first.status, second.status) == ("left", "called")
    first_again = client.post(f"/queue/{second.id}/call", data=board)
    assert (first_again.status_code, second.status) == (303, "called")


def test_the_waiting_room_screen_shows_no_names(desk, bah, person):
    entry = factories.waiting(factories.patient().id, doctor_id=bah.id)
    empty = read(desk("receptionist").get("/queue/display"))
    assert "Please keep your slip" in empty
    queue_actions.call_patient(entry.id, by=person("nurse"))
    text = read(desk("receptionist").get("/queue/display"))
    assert "1 → Room 3 Dr Amadu Bah" in text
    assert "KAMARA" not in text.upper()
    assert desk(None).get("/queue/display").status_code == 302


def test_the_slip_shows_token_two_identifiers_and_patients_ahead(desk, bah):
    factories.waiting(factories.patient().id, minutes_ago=10)
    patient = factories.patient(title="Mrs")
    entry = factories.waiting(patient.id, doctor_id=bah.id)
    text = read(desk("receptionist").get(f"/queue/{entry.id}/slip"))
    assert "Mrs Kadiatu Kamara" in text
    assert patient.hospital_number in text
    assert "1 person is ahead of you" in text
    assert "Room 3" in text


def test_hours_and_absences_are_kept_on_their_pages(desk, bah, person):
    client = desk("admin")
    times = {"doctor": bah.id, "weekday": "0", "starts": "14", "ends": "16:00"}
    assert client.form("/appointments/hours", **times).status_code == 400
    assert "Choose a doctor." in read(client.form("/appointments/hours", **(times | {"doctor": ""})))
    assert client.form("/appointments/hours", **(times | {"starts": "14:00"})).status_code == 303
    assert len(availability_queries.list_free_slots(bah.id, MONDAY)) == 24
    assert client.form("/appointments/hours", **(times | {"starts": "15:00"})).status_code == 409
    mine = desk("doctor")
    block = {
        "doctor": person("doctor").id,
        "date": f"{MONDAY:%d/%m/%Y}",
        "starts": "08:00",
        "ends": "09:00",
        "reason": "Leave",
    }
    assert mine.form("/appointments/absences", **block).status_code == 303
    assert "Leave" in read(mine.get("/appointments/absences"))
    assert mine.form("/appointments/absences", **(block | {"ends": "07:00"})).status_code == 400


def test_pages_need_as_many_queries_for_a_hundred_rows_as_for_ten(desk, bah):
    paths = ("/appointments/", "/appointments/?view=list", "/queue/", "/appointments/rows", "/queue/rows")
    client, counts = desk("receptionist"), []
    for number in range(100):
        patient = factories.patient(f"Given{number}")
        time = (dt.datetime.combine(clock.today(), dt.time(0)) + dt.timedelta(minutes=14 * number)).time()
        booking_actions.book(
            patient_id=patient.id, doctor_id=bah.id, date=clock.today(), time=time, duration_minutes=10, by=SYSTEM
        )
        factories.waiting(patient.id)
        if number in (9, 99):
            counts.append({path: min(client.queries(path) for _try in range(3)) for path in paths})
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 15
