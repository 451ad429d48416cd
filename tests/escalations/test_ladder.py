"""The ladder of a critical value: who is told at which minute, who ends it, and what a correction does."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select, update

from hms.clinical.vitals import actions as vitals
from hms.core import clock
from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RoleNotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.escalations import actions, jobs, rules
from hms.lab import actions as lab
from hms.messages.actions import mark_all_read
from hms.messages.models import Notification, OutgoingMessage
from hms.patients.access.policy import RecordRestricted
from hms.patients.models import Patient
from hms.staff.models import Department, User
from tests.escalations.factories import (
    NEWS2,
    VERY_ILL,
    WELL,
    a_critical_result,
    all_of_them,
    minutes_ago,
    told,
    very_ill,
)
from tests.house.hospital import somebody
from tests.messages import gateways
from tests.page import words

SECOND = dt.timedelta(seconds=1)


def at(minutes: float, began: dt.datetime) -> None:
    """Let the clock work so many minutes after the beginning."""
    with clock.frozen_at(began + dt.timedelta(minutes=minutes)):
        jobs.do_due_steps()


def test_the_ladder_to_the_minute_until_a_named_person_reads_the_value_back(db, person, desk):
    nurse, doctor = person("nurse"), person("doctor")
    began = minutes_ago(20)
    with clock.frozen_at(began):
        very_ill(nurse, doctor.id)
    (one,) = all_of_them()
    first = [(0, "doctor")]
    assert told(one.id) == first, "the responsible doctor is told in the transaction that records the value"
    at(5, began - SECOND)
    assert told(one.id) == first
    at(5, began), at(5, began)
    second = [*first, (5, "nurse")]
    assert told(one.id) == second
    mark_all_read(by=doctor), mark_all_read(by=nurse)
    at(15, began - SECOND)
    assert (told(one.id), all_of_them()[0].status) == (second, "open"), "“Mark all read” ends nothing"
    at(15, began)
    third = [*second, (15, "doctor")]
    assert told(one.id) == third
    _read_back(desk, one.id)
    at(30, began)
    assert told(one.id) == third


def _read_back(desk, escalation_id: int) -> None:
    page, address = desk("nurse"), f"/escalations/{escalation_id}"
    shown = words(page.get("/escalations").text)
    assert "KAMARA, Kadiatu" in shown
    assert "Step 3 of 4" in shown
    wrong = page.form(address, read_back="4")
    assert wrong.status_code == 400
    assert "“4” is not the recorded value. Read the value again" in words(wrong.text)
    assert all_of_them()[0].status == "open"
    assert page.form(address, read_back=f"NEWS2 {NEWS2}").status_code == 303
    ended = words(desk("admin").get(address).text)
    assert "Nurse acknowledged it" in ended
    assert f"and read back: NEWS2 {NEWS2}" in ended
    assert "Not needed" in ended
    again = page.send(address, read_back=NEWS2)
    assert again.status_code == 409
    assert "has acknowledged this value already." in words(again.text)


def test_a_clock_that_stood_still_does_the_steps_in_order_and_groups_without_people_pass_on(db, person):
    began = minutes_ago(60)
    with clock.frozen_at(began):
        very_ill(person("nurse"))
    (one,) = all_of_them()
    with action_context("tests", SYSTEM):
        db.session.execute(update(User).where(User.username == "nurse").values(is_active=False))
    at(45, began)
    assert told(one.id) == [(0, "doctor"), (5, "doctor"), (15, "doctor"), (30, "admin")]
    at(50, began)
    assert len(told(one.id)) == 4
    with action_context("tests", SYSTEM):
        db.session.execute(update(User).where(User.username == "doctor").values(is_active=False))
    with clock.frozen_at(began):
        very_ill(SYSTEM, given_names="Other")
    assert told(all_of_them()[1].id) == [(0, "admin")]


def test_nurses_of_the_department_the_settings_and_old_vitals(db, person):
    nurse, doctor = person("nurse"), person("doctor")
    near = somebody("near", "nurse")
    with action_context("tests", SYSTEM):
        ward = Department(name="Ward A")
        db.session.add(ward)
        db.session.flush()
        db.session.execute(update(User).where(User.id.in_([near.id, doctor.id])).values(department_id=ward.id))
    for key, value in {"step_2_minutes": 3, "step_3_who": "nobody", "step_4_minutes": 2}.items():
        settings.change_setting(f"escalations.{key}", value, by=SYSTEM)
    settings.clear_cache()
    began = minutes_ago(20)
    with clock.frozen_at(began):
        reading = very_ill(nurse, doctor.id)
        vitals.record_vitals(
            reading.patient_id, taken_at=began - dt.timedelta(hours=13), is_confirmed=True, by=nurse, **VERY_ILL
        )
    (one,) = all_of_them()
    at(19, began)
    assert told(one.id) == [(0, "doctor"), (2, "admin"), (3, "near")]


def test_a_corrected_value_ends_the_ladder_or_begins_it_anew_and_all_who_were_told_hear_it(db, person):
    nurse, doctor, chemist = person("nurse"), person("doctor"), person("lab")
    began = minutes_ago(20)
    with clock.frozen_at(began):
        reading = very_ill(nurse, doctor.id)
        order_id = a_critical_result(doctor, chemist, given_names="Other")
    first, result = all_of_them()
    at(5, began)
    actions.acknowledge(result.id, read_back="3.1 g/dl", by=nurse)
    still = dict(VERY_ILL) | {"pulse": "125"}
    newer = vitals.correct_vitals(reading.id, reason="Counted again", is_confirmed=True, by=nurse, **still)
    first, result, second = all_of_them()
    assert (first.status, first.replaced_by_id, second.status, second.value) == ("corrected", second.id, "open", "13")
    assert told(second.id) == [(0, "doctor")]
    assert _told_of("Critical vital signs corrected") == {(doctor.id, f"/escalations/{second.id}")} | {
        (nurse.id, f"/escalations/{second.id}")
    }
    vitals.correct_vitals(newer.id, reason="Another patient", is_confirmed=True, by=nurse, **WELL)
    assert [row.status for row in all_of_them()] == ["corrected", "acknowledged", "corrected"]
    at(40, clock.now())
    assert told(second.id) == [(0, "doctor")], "the steps of a value that was wrong are dropped"
    lab.enter_results(order_id, {"HB": "12.9"}, reason="Mixed up", by=chemist)
    result = all_of_them()[1]
    assert (result.status, result.acknowledged_by_id, result.replaced_by_id) == ("corrected", nurse.id, None)
    assert _told_of("Critical result corrected") == {
        (user_id, f"/encounters/{result.encounter_id}") for user_id in (doctor.id, nurse.id)
    }
    with pytest.raises(Conflict, match="was corrected"):
        actions.acknowledge(result.id, read_back="12.9", by=doctor)


def _told_of(title: str) -> set[tuple[int, str]]:
    return {(row.user_id, row.url) for row in database.session.scalars(select(Notification).filter_by(title=title))}


def test_the_api_shows_acknowledges_and_filters_and_each_role_sees_its_own(db, person, program, desk):
    doctor, chemist = person("doctor"), person("lab")
    very_ill(person("nurse"), doctor.id, given_names="Ill")
    a_critical_result(doctor, chemist)
    score, result = all_of_them()
    api, laboratory = program("nurse"), program("lab")
    assert [row["id"] for row in api.get("/api/escalations/?status=open&ordering=id").json] == [score.id, result.id]
    assert [row["id"] for row in api.get("/api/escalations/?cause=vitals").json] == [score.id]
    assert [row["id"] for row in api.get(f"/api/escalations/?patient={result.patient_id}").json] == [result.id]
    assert [row["id"] for row in laboratory.get("/api/escalations/").json] == [result.id], "no vitals without charts"
    assert laboratory.get(f"/api/escalations/{score.id}/").status_code == 404
    assert laboratory.post(f"/api/escalations/{result.id}/acknowledge/", json={"read_back": "3.1"}).status_code == 403
    assert "KAMARA" in desk("lab").get(f"/escalations/{result.id}").text
    shown = api.get(f"/api/escalations/{result.id}/").json
    assert (shown["subject"], shown["value"], shown["steps_done"]) == ("Haemoglobin", "3.1\u00a0g/dL", 1)
    assert [step["status"] for step in shown["history"]] == ["done", "planned", "planned", "planned"]
    refused = api.post(f"/api/escalations/{result.id}/acknowledge/", json={"read_back": "13"})
    assert (refused.status_code, refused.json["code"]) == (400, "wrong_value")
    ended = api.post(f"/api/escalations/{result.id}/acknowledge/", json={"read_back": "3,1"})
    assert (ended.status_code, ended.json["status"], ended.json["read_back"]) == (200, "acknowledged", "3,1")
    assert api.post(f"/api/escalations/{result.id}/acknowledge/", json={"read_back": "3.1"}).status_code == 409
    assert "Haemoglobin,3.1" in api.get("/api/escalations/export/?status=acknowledged").text
    for username in ("receptionist", "cashier", "pharmacist", "patient"):
        assert program(username).get("/api/escalations/").status_code == 403
    with pytest.raises(RoleNotAllowed):
        actions.acknowledge(score.id, read_back=NEWS2, by=person("admin"))


@pytest.fixture
def sent(app, monkeypatch, db):
    """The SMS that the gateway got, as its fields."""
    with gateways.sms_gateway() as gateway:
        monkeypatch.setitem(app.config, "SMS_TOKEN", "gateway-password-123")
        settings.change_setting("messages.sms_url", gateway.url, by=SYSTEM)
        settings.change_setting("escalations.step_1_channels", "page_sms", by=SYSTEM)
        settings.clear_cache()
        yield lambda: [parse_qs(request[3]) for request in gateway.requests]


def test_nothing_of_a_closed_record_is_named_in_lists_alerts_and_messages(db, person, program, desk, sent):
    other, began = somebody("other", "doctor", phone="+23276123999"), minutes_ago(6)
    with clock.frozen_at(began):
        reading = very_ill(person("nurse"), other.id, family_name="Canarywoman")
        with action_context("tests", SYSTEM):
            db.session.get(Patient, reading.patient_id).is_restricted = True
        while outbox.run_due() or outbox.run_long():
            pass
    (message,) = database.session.scalars(select(OutgoingMessage)).all()
    assert (message.status, [sms["to"] for sms in sent()]) == ("sent", [["+23276123999"]])
    assert "Urgent, your answer is needed now" in str(sent())
    (one,) = all_of_them()
    stored = [(row.title, row.message, row.url) for row in database.session.scalars(select(Notification))]
    stranger = program("doctor")
    listed = stranger.get("/api/escalations/").json
    assert [(row["patient"], row["value"], row["is_restricted"]) for row in listed] == [(None, "", True)]
    assert stranger.get(f"/api/escalations/?patient={one.patient_id}").json == []
    assert stranger.get(f"/api/escalations/{one.id}/").status_code == 403
    assert stranger.post(f"/api/escalations/{one.id}/acknowledge/", json={"read_back": NEWS2}).status_code == 403
    with pytest.raises(RecordRestricted):
        actions.acknowledge(one.id, read_back=NEWS2, by=person("doctor"))
    pages = [desk("doctor").get(path).text for path in ("/escalations", "/", "/notifications")]
    assert "Restricted record" in pages[0]
    everything = f"{stored} {sent()} {listed} {pages[0]} {pages[2]} {stranger.get('/api/escalations/export/').text}"
    assert "canarywoman" not in everything.lower()
    assert f"NEWS2 {NEWS2}" not in words(f"{everything} {pages[1]}")


READ_BACK = [
    *(("3.1", "3.1\u00a0g/dL", "3.1", True), ("3,1 g/dl", "3.1\u00a0g/dL", "3.1", True)),
    *(("3.10", "3.1\u00a0g/dL", "3.1", True), ("Haemoglobin 3.1", "3.1\u00a0g/dL", "3.1", True)),
    *(("3.1 g/L", "3.1\u00a0g/dL", "3.1", False), ("31", "3.1\u00a0g/dL", "3.1", False)),
    *(("-3.1", "3.1\u00a0g/dL", "3.1", False), ("", "3.1\u00a0g/dL", "3.1", False)),
    *((">1000", ">1000\u00a0mg/L", None, True), ("> 1000 mg/l", ">1000\u00a0mg/L", None, True)),
    *(("1000", ">1000\u00a0mg/L", None, False), (">=5", "≥5", None, True), ("1e400", "3.1", "3.1", False)),
    *(("9" * 60, "3.1", "3.1", False), ("Growth", "growth", None, True), ("No growth", "growth", None, False)),
]


@pytest.mark.parametrize(("typed", "value", "measured", "is_same"), READ_BACK)
def test_what_counts_as_the_value_read_back(typed, value, measured, is_same):
    number = None if measured is None else Decimal(measured)
    with nullcontext() if is_same else pytest.raises(RuleBroken) as refused:
        rules.check_read_back(typed, value=value, measured=number, subject="Haemoglobin")
    assert is_same or refused.value.field == "read_back"
