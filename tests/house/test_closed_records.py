"""A restricted record opens for the care team or with a reason, on every page and endpoint, and each access is recorded."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import func, select, update

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment
from hms.appointments.queue import transitions
from hms.clinical.encounters import actions as clinical
from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.lab import queries as laboratory
from hms.lab.models import LabOrder
from hms.messages.models import Notification
from hms.patients import lookup as patients
from hms.patients.access import actions as access_actions
from hms.patients.access import jobs, policy
from hms.patients.models import BreakGlass, Patient
from tests.conftest import PASSWORD
from tests.house.hospital import ALLERGIES, CLINICAL, MEDICINES, ON_THE_LIST, REASON, TESTS, add, somebody, whole_record
from tests.house.places import places
from tests.house.test_route_access import token

pytestmark = [pytest.mark.security("O"), pytest.mark.slow]


def _open(patient: int, by, reason: str = REASON) -> BreakGlass:
    return access_actions.break_glass(patient, reason=reason, by=by)


ASKED = {
    "appointments": "?patient={patient_id}",
    "patients": "?search=Canarywoman",
    "pharmacy.rows": "?q=Canarywoman",
    "pharmacy.queue": "?open=v{encounter_id}&given={dispense_id}",
    "pharmacy.labels": "?of={dispense_id}",
    "find": "?q=Canarywoman",
    "bills": "?patient_id={patient_id}",
}
"""The query that filters a list by this patient, by endpoint or by a part of the endpoint's name."""
SHOWN_BY = {
    "pharmacy.": ("show", ("waiting", "older", "owing", "held", "done")),
    "lab.": ("show", ("waiting", "done")),
    "chart.results": ("kind", ("vitals", "lab", "observations", "immunizations", "conditions")),
    "billing.bill": ("state", ("all", "draft")),
}


def _addresses(place, known: dict[str, int]) -> set[str]:
    """The address alone; with a filter for this patient; and with every tab that it has."""
    found = {place.path}
    asked = ASKED.get(place.endpoint) or next((text for name, text in ASKED.items() if name in place.endpoint), "")
    if "<" not in place.rule:
        about = f"?patient={known['patient_id']}" if place.is_api else "?q=Canarywoman"
        found |= {place.path + (asked or about).format(**known), place.path + about}
    for name, (argument, values) in SHOWN_BY.items():
        if place.endpoint.startswith(name):
            found |= {f"{place.path}?{argument}={value}" for value in values}
    return found


LEFT_OUT = ("/api/openapi.json", "/api/docs/", "/logout", "/lock", "/stay", "/unlock", "/dev/kit")
LEFT_OUT += ("/pharmacy/rules/files/all", "/api/safety-rules/files/")  # the lists of rules, packed


def _everything(app, at_desk, by_token, known: dict[str, int]) -> str:
    """The responses of every address of GET; lists also with a filter for this patient and with every tab. Then the
    responses to an empty submit, and to requests that name the patient in their body."""
    at_desk.checks = by_token.checks = False
    said = []
    for place in sorted(places(app, known | {"access_id": 1, "session_id": 1}), key=lambda one: one.method != "GET"):
        if place.rule in LEFT_OUT or place.endpoint.startswith("staff") or place.method == "DELETE":
            continue
        for path in _addresses(place, known) if place.method == "GET" else {place.path}:
            client = by_token if place.is_api else at_desk
            answer = client.open(path, method=place.method, **_body(place, at_desk, known))
            assert answer.status_code < 500, path
            said.append(f"{place.method} {path}: {answer.status_code} {answer.get_data(as_text=True)}")
    return "\0".join(said)


def _body(place, at_desk, known: dict[str, int]) -> dict[str, object]:
    if place.method == "GET":
        return {}
    if place.is_api:
        return {"json": {"patient": known["patient_id"], "medication_name": ALLERGIES[0], "medications": []}}
    return {"data": {"csrf_token": token(at_desk)}}


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        ("doctor", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("nurse", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("receptionist", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("cashier", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("lab", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("pharmacist", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS, ON_THE_LIST)),
        ("admin", (*CLINICAL, *MEDICINES, *ALLERGIES, *TESTS)),
    ],
)
def test_no_answer_holds_a_word_of_a_closed_record(app, desk, program, record, role, hidden):
    if role == "admin":
        settings.change_setting("clinical.admin_requires_break_glass", True, by=SYSTEM)
        settings.clear_cache()
    said = _everything(app, desk(role), program(role), record)
    assert "Canarywoman" in said.replace("CANARYWOMAN", "Canarywoman")
    answers = [_without_stock(line) for line in said.split("\0")]
    shown = [(line.split(":")[0], word, _around(line, word)) for line in answers for word in hidden if word in line]
    assert shown == []


def _around(answer: str, word: str) -> str:
    place = answer.index(word)
    return answer[max(place - 60, 0) : place + 60]


def _without_stock(answer: str) -> str:
    """Stock and price list name every medicine, whoever takes it; refusals repeat what was sent."""
    lists = "api/medications|api/stock|api/report|pharmacy/(stock|medicines)|exports/(stock|medicines|prices|below)"
    is_stock = re.match(rf"[A-Z]+ /({lists}|find|reports)", answer)
    return "" if is_stock else answer


def test_who_opened_it_with_a_reason_reads_it_and_every_read_says_so(desk, program, person, record, db):
    patient, at = record["patient_id"], desk("doctor")
    assert "This record is restricted" in at.get(f"/patients/{patient}").get_data(as_text=True)
    closed = at.get(f"/patients/{patient}/encounters")
    assert closed.status_code == 403
    assert f"/patients/{patient}/break-glass" in closed.get_data(as_text=True)
    assert at.form(f"/patients/{patient}/break-glass", reason=REASON, proof=PASSWORD).status_code == 303
    page = at.get(f"/patients/{patient}/encounters").get_data(as_text=True)
    assert CLINICAL[2] in page
    assert "Emergency access until" in page
    api = program("doctor")
    assert api.get(f"/api/encounters/{record['encounter_id']}/").get_json()["notes"] == CLINICAL[0]
    assert api.get(f"/api/prescriptions/?patient={patient}").get_json()[0]["medication_name"] == MEDICINES[0]
    assert ALLERGIES[0] in api.get(f"/api/patients/{patient}/").get_json()["known_allergies"]
    doctor = person("doctor")
    reads = select(AuditEntry.action, AuditEntry.purpose).where(
        AuditEntry.patient_id == patient, AuditEntry.actor_id == doctor.id, AuditEntry.old.is_(None)
    )
    since = select(AuditEntry.id).where(AuditEntry.action == "break_glass.open").scalar_subquery()
    noted = db.session.execute(reads.where(AuditEntry.id >= since)).all()
    assert {row.purpose for row in noted} == {"BTG"}
    assert {row.action for row in noted} >= {
        "break_glass.open",
        "clinical.open_chart",
        "clinical.read_encounter",
        "clinical.read_prescription",
        "patients.read",
    }


def test_a_list_of_open_and_closed_records_is_one_request_in_the_trail(program, person, record, db):
    somebody_else = add(Patient(number=940_000, hospital_number="HMS-940000-0", given_names="Sia", family_name="Open"))
    signed = {"prescriber_id": person("doctor").id, "status": "active", "signed_at": clock.now()}
    add(Prescription(patient_id=somebody_else.id, medication_name="Zinc", **signed))
    assert program("pharmacist").get("/api/prescriptions/").status_code == 200
    mine = select(AuditEntry.action, AuditEntry.patient_id, AuditEntry.new)
    read = (AuditEntry.actor_id == person("pharmacist").id, AuditEntry.action != "tests.seed")
    noted = db.session.execute(mine.where(*read)).all()
    assert {one.action for one in noted} >= {"clinical.read_prescription", "clinical.read_list"}
    assert [one.new for one in noted if one.patient_id is None] == [{"patients": 2}]


@pytest.mark.parametrize("asked", ["?show=done", "?show=owing&given={dispense_id}"])
def test_the_board_of_what_was_given_says_that_it_was_opened_with_a_reason(desk, person, record, db, asked):
    _open(record["patient_id"], person("pharmacist"))
    desk("pharmacist").get("/pharmacy/" + asked.format(**record))
    on_board = select(AuditEntry.purpose).where(
        AuditEntry.patient_id == record["patient_id"], AuditEntry.action == "pharmacy.read_board"
    )
    assert set(db.session.scalars(on_board)) == {"BTG"}


def test_the_laboratory_sees_whose_tests_of_a_closed_record_wait_and_counts_them(desk, person, record):
    """Ordering a test does not make a person part of the care team."""
    with action_context("tests.seed", SYSTEM):
        done = database.session.get(LabOrder, record["order_id"])
        about = {"patient_id": done.patient_id, "encounter_id": done.encounter_id, "ordered_at": done.ordered_at}
        who = {"ordered_by_id": person("lab").id}
        database.session.add(LabOrder(**about, **who, test_code=done.test_code, test_name=done.test_name))
        database.session.execute(update(LabOrder).where(LabOrder.id == done.id).values(**who))
    at, listed = desk("lab"), 0
    for show in ("waiting", "done"):
        page = at.get(f"/lab/?show={show}").get_data(as_text=True)
        rows = page.count('data-ux="lab-row"')
        listed += rows
        assert page.count("Restricted record") == rows, show
        assert page.lower().count("canarywoman") >= rows, show
        assert TESTS[0] not in page, show
    waiting, _urgent, done = laboratory.count_worklist()
    assert listed == waiting + done > 0


def test_the_hour_ends(person, record):
    patient, doctor = patients.patient(record["patient_id"]), person("doctor")
    opened = _open(patient.id, doctor)
    assert opened.expires_at - opened.opened_at == dt.timedelta(minutes=60)
    with clock.frozen_at(opened.expires_at - dt.timedelta(seconds=1)):
        assert policy.is_open(patient, doctor)
        assert _open(patient.id, doctor).id == opened.id
    with clock.frozen_at(opened.expires_at):
        assert not policy.is_open(patient, doctor)
    assert not policy.is_open(patient, person("nurse"))


@pytest.mark.parametrize("reason", ["", "needed", "          ", "xxxxxxxxxxxxxxx", "..........."])
def test_a_reason_that_says_nothing_opens_nothing(person, record, reason):
    with pytest.raises(RuleBroken) as refused:
        _open(record["patient_id"], person("doctor"), reason)
    assert refused.value.field == "reason"


def test_a_wrong_password_opens_nothing_and_keeps_the_reason(desk, record, db):
    answer = desk("doctor").form(f"/patients/{record['patient_id']}/break-glass", reason=REASON, proof="wrong")
    assert answer.status_code == 400
    assert REASON in answer.get_data(as_text=True)
    assert db.session.scalars(select(BreakGlass)).all() == []


def test_a_program_opens_with_a_reason_and_a_proof(program, record):
    api, path = program("nurse"), f"/api/patients/{record['patient_id']}/break-glass/"
    refused = api.get(f"/api/patients/{record['patient_id']}/")
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "restricted"
    assert api.get(f"/api/encounters/{record['encounter_id']}/").status_code == 404
    assert "reason" in api.post(path, json={"reason": "short", "proof": PASSWORD}).get_json()
    assert api.post(path, json={"reason": REASON, "proof": "wrong"}).status_code == 400
    assert api.post(path, json={"reason": REASON, "proof": PASSWORD}).status_code == 201
    assert api.get(f"/api/encounters/{record['encounter_id']}/").status_code == 200
    assert program("cashier").post(path, json={"reason": REASON, "proof": PASSWORD}).status_code == 403


def test_the_reviewers_hear_of_it_at_once_without_a_name(person, record, db):
    _open(record["patient_id"], person("doctor"))
    told = db.session.scalars(select(Notification).filter_by(user_id=person("admin").id)).one()
    assert "Canarywoman" not in told.title + told.message
    assert told.url == access_actions.REVIEWS


def test_reviewers_are_reminded_once_a_day_of_what_is_overdue(person, record, db):
    opened, reviewer = _open(record["patient_id"], person("doctor")), person("admin")
    day = dt.timedelta(days=1)
    assert [_reminded(opened.opened_at + day * n) for n in (0, 2.9, 3.1, 3.1, 4.2)] == [0, 0, 1, 1, 2]
    told = db.session.scalars(select(Notification).filter_by(url=jobs.PLACE)).first()
    assert (told.user_id, told.message[:2]) == (reviewer.id, "1 ")
    assert "Canarywoman" not in told.title + told.message
    access_actions.review(opened.id, finding="justified", by=reviewer)
    assert _reminded(opened.opened_at + day * 6) == 2


def _reminded(at: dt.datetime) -> int:
    """The number of reminders sent until `at`, after the scheduled task has run."""
    ours = Notification.url == jobs.PLACE
    with clock.frozen_at(at), action_context("tests.wait", SYSTEM):
        before = set(database.session.scalars(select(Notification.id)))
        jobs.remind_reviewers()
        new = select(Notification.id).where(ours, Notification.id.not_in(before))
        database.session.execute(update(Notification).where(Notification.id.in_(new)).values(created_at=at))
        return database.session.execute(select(func.count()).where(ours)).scalar_one()


def test_an_open_record_needs_no_reason(person, db):
    known = whole_record()
    with pytest.raises(Conflict) as refused:
        _open(known["patient_id"], person("doctor"))
    assert refused.value.code == "already_open"


class TestCareTeam:
    """A person to whom colleagues assigned the patient: a booking or the queue."""

    def is_in(self, record, who) -> bool:
        return policy.is_open(patients.patient(record["patient_id"]), who)

    def test_a_booking_by_somebody_else_counts_and_ones_own_does_not(self, record, person, db):
        doctor, when = person("doctor"), {"date": clock.today() + dt.timedelta(days=3), "time": dt.time(9)}
        booked = booking_actions.book(patient_id=record["patient_id"], doctor_id=doctor.id, **when, by=doctor)
        assert not self.is_in(record, doctor)
        with action_context("tests.seed", SYSTEM):
            db.session.execute(
                update(Appointment).where(Appointment.id == booked.id).values(booked_by_id=person("receptionist").id)
            )
        assert self.is_in(record, doctor)
        assert not self.is_in(record, person("nurse"))
        transitions.cancel_appointment(booked.id, reason="ill", by=person("receptionist"))
        assert not self.is_in(record, doctor)

    def test_todays_queue_counts_for_its_doctor_and_for_the_nurses_of_the_department(self, record, person, db):
        other = somebody("doctor9", "doctor")
        entry = transitions.add_to_queue(record["patient_id"], doctor_id=other.id, by=person("receptionist"))
        assert not self.is_in(record, person("doctor"))
        assert self.is_in(record, person("nurse"))
        assert self.is_in(record, person("doctor9"))
        transitions.undo_check_in(entry.id, by=person("receptionist"))
        assert not self.is_in(record, person("nurse"))

    def test_nobody_lets_themselves_in_by_the_queue(self, record, person):
        nurse = person("nurse")
        transitions.add_to_queue(record["patient_id"], by=nurse)
        assert not self.is_in(record, nurse)
        assert self.is_in(record, person("doctor"))

    def test_nobody_lets_themselves_in_by_an_encounter(self, record, person):
        with pytest.raises(policy.RecordRestricted):
            clinical.start_encounter(patient_id=record["patient_id"], by=person("doctor"))

    def test_who_signed_within_a_month_still_cares(self, person, db):
        known = whole_record(days_ago=20)
        access_actions.restrict(known["patient_id"], reason="Asked for it at the desk", by=SYSTEM)
        assert self.is_in(known, person("doctor"))
        with clock.frozen_at(clock.now() + dt.timedelta(days=11)):
            assert not self.is_in(known, person("doctor"))


class TestReview:
    """Another person reviews whether the access was justified."""

    def test_it_waits_until_somebody_else_reviews_it(self, desk, person, record):
        opened = _open(record["patient_id"], person("doctor"))
        admin = desk("admin")
        assert access_actions.count_open_reviews() == (1, 0)
        assert "Emergency access to review" in admin.get("/").get_data(as_text=True)
        page = admin.get(f"/admin/access-reviews/{opened.id}").get_data(as_text=True)
        assert REASON in page
        assert "Canarywoman" in page.replace("CANARYWOMAN", "Canarywoman")
        done = admin.form(f"/admin/access-reviews/{opened.id}", finding="justified", note="")
        assert done.status_code == 303
        assert access_actions.count_open_reviews() == (0, 0)
        with pytest.raises(Conflict):
            access_actions.review(opened.id, finding="unjustified", note="changed my mind", by=person("admin"))

    @pytest.mark.parametrize("username", ["doctor", None])
    def test_the_database_takes_a_review_from_who_acts(self, person, record, username):
        opened = _open(record["patient_id"], person("doctor"))
        said = {"reviewed_by_id": person("admin").id, "reviewed_at": clock.now(), "finding": "justified"}
        with pytest.raises(Conflict), action_context("tests.cheat", person(username) if username else SYSTEM):
            database.session.execute(update(BreakGlass).where(BreakGlass.id == opened.id).values(said))

    def test_it_is_overdue_after_three_days(self, desk, person, record):
        _open(record["patient_id"], person("doctor"))
        with clock.frozen_at(clock.now() + dt.timedelta(hours=73)):
            assert access_actions.count_open_reviews() == (1, 1)

    def test_nobody_reviews_their_own(self, person, record):
        settings.change_setting("clinical.admin_requires_break_glass", True, by=SYSTEM)
        settings.clear_cache()
        admin = person("admin")
        opened = _open(record["patient_id"], admin)
        with pytest.raises(RuleBroken):
            access_actions.review(opened.id, finding="justified", by=admin)

    def test_what_was_not_justified_needs_words(self, person, record):
        opened = _open(record["patient_id"], person("doctor"))
        with pytest.raises(RuleBroken) as refused:
            access_actions.review(opened.id, finding="unjustified", by=person("admin"))
        assert refused.value.field == "note"


def test_an_administrator_reads_freely_until_the_hospital_asks_for_a_reason(program, desk, person):
    known, api = whole_record(), program("admin")
    path = f"/api/encounters/{known['encounter_id']}/"
    assert api.get(path).get_json()["notes"] == CLINICAL[0]
    settings.change_setting("clinical.admin_requires_break_glass", True, by=SYSTEM)
    settings.clear_cache()
    assert set(api.get(path).get_json()) == {"id", "patient", "appointment", "doctor", "created_at"}
    assert desk("admin").get(f"/encounters/{known['encounter_id']}").status_code == 403
    assert "known_allergies" not in api.get(f"/api/patients/{known['patient_id']}/").get_json()
    _open(known["patient_id"], person("admin"))
    assert api.get(path).get_json()["notes"] == CLINICAL[0]
    assert desk("admin").get(f"/encounters/{known['encounter_id']}").status_code == 200


def test_closing_and_opening_again_is_for_doctors_and_administrators(desk, person, db):
    known = whole_record()
    path = f"/patients/{known['patient_id']}/restrict"
    assert desk("nurse").get(path).status_code == 403
    assert desk("doctor").form(path, reason="short").status_code == 400
    assert desk("doctor").form(path, reason="Well known in the town").status_code == 303
    assert database.session.get(Patient, known["patient_id"]).is_restricted
    assert desk("doctor").form(path, reason="Not needed any more").status_code == 303
    assert not database.session.get(Patient, known["patient_id"]).is_restricted


def test_the_desks_work_on_with_a_closed_record(program, record, person):
    found = program("receptionist").get("/api/patients/?search=Canarywoman").get_json()
    assert [one["id"] for one in found] == [record["patient_id"]]
    assert program("doctor").get("/api/patients/?search=Canarywoman").get_json()[0]["id"] == record["patient_id"]
    line = program("cashier").get(f"/api/prescriptions/{record['prescription_id']}/").get_json()
    assert set(line) == {"id", "encounter", "created_at", "status"}
    corrected = program("receptionist").put(
        f"/api/patients/{record['patient_id']}/",
        json={"first_name": "Kadiatu", "last_name": "Canarywoman", "date_of_birth": "1991-03-13", "gender": "F"},
    )
    assert corrected.status_code == 200


def test_the_front_desk_cannot_guess_the_allergies_of_a_closed_record(program, record):
    body = {"first_name": "Kadiatu", "last_name": "Canarywoman", "date_of_birth": "1991-03-13", "gender": "F"}
    path = f"/api/patients/{record['patient_id']}/"
    tried = [
        program("receptionist").put(path, json=body | {"known_allergies": guess}) for guess in (ALLERGIES[0], "dust")
    ]
    assert [(one.status_code, one.get_json()) for one in tried] == [(403, tried[0].get_json())] * 2
