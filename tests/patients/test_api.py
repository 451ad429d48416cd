"""The API of patients: shapes, who sees what, refusals in the page's words."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from hms.core.audit.models import AuditEntry
from hms.patients.allergies import queries
from hms.patients.identity import hospital_numbers
from hms.patients.models import Patient
from hms.patients.search import duplicates
from hms.patients.search.match_scoring import ComparedPerson
from tests.page import words
from tests.patients.factories import a_patient

JANE = {
    "first_name": "Jane",
    "last_name": "Smith",
    "date_of_birth": "1990-01-15",
    "gender": "F",
    "contact_info": "+1234567890",
    "address": "123 Main St",
    "known_allergies": "Penicillin",
}
FULL = {
    *("id", "has_recent_appointment", "unique_id", "first_name", "last_name", "date_of_birth", "gender"),
    *("contact_info", "address", "known_allergies", "created_at", "updated_at"),
    *("other_names", "national_id", "other_numbers", "deceased", "deceased_on", "area"),
    *("payer", "payer_number", "date_of_birth_is_estimated"),
}


def test_a_program_registers_a_patient_and_reads_it_back(program):
    doctor = program("doctor")
    made = doctor.post("/api/patients/", json=JANE | {"unique_id": "PX0001"})
    body = made.get_json()
    assert made.status_code == 201
    assert set(body) == FULL
    assert {name: body[name] for name in JANE} == JANE
    assert hospital_numbers.is_valid(body["unique_id"])
    assert doctor.get(f"/api/patients/{body['id']}/").get_json() == body


NAMED = {"id", "unique_id", "first_name", "last_name", "deceased", "deceased_on"}
BORN = {"date_of_birth", "date_of_birth_is_estimated"}


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("doctor", FULL),
        ("nurse", FULL),
        ("admin", FULL),
        ("receptionist", FULL - {"known_allergies"}),
        ("pharmacist", NAMED | BORN | {"gender", "known_allergies"}),
        ("cashier", NAMED | {"contact_info"}),
        ("lab", NAMED | BORN | {"gender"}),
    ],
)
@pytest.mark.security("D")
def test_each_role_sees_its_fields(program, role, seen):
    patient = a_patient(allergies=["Penicillin"])
    client = program(role)
    assert set(client.get(f"/api/patients/{patient.id}/").get_json()) == seen
    listed = client.get(f"/api/patients/?search={patient.family_name}").get_json()
    assert [set(row) for row in listed] == [seen]


@pytest.mark.security("D")
def test_an_administrator_needs_break_glass_where_the_hospital_says_so(program, person):
    from hms.core.settings import store as settings

    settings.change_setting("clinical.admin_requires_break_glass", True, by=person("admin"))
    patient = a_patient(allergies=["Penicillin"])
    assert "known_allergies" not in program("admin").get(f"/api/patients/{patient.id}/").get_json()
    assert "known_allergies" in program("doctor").get(f"/api/patients/{patient.id}/").get_json()


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"first_name": None}, "first_name", "may not be null"),
        ({"first_name": ""}, "first_name", "may not be blank"),
        ({"first_name": 7}, "first_name", "Not a valid string"),
        ({"first_name": "J" * 101}, "first_name", "at most 100"),
        ({"last_name": "Sm\x00ith"}, "last_name", "Remove the characters"),
        ({"last_name": "\u202eevil"}, "last_name", "Remove the characters"),
        ({"date_of_birth": "15/01/1990"}, "date_of_birth", "Date has wrong format"),
        ({"date_of_birth": "1990-02-30"}, "date_of_birth", "Date has wrong format"),
        ({"date_of_birth": "2999-01-01"}, "date_of_birth", "is in the future"),
        ({"date_of_birth": "1500-01-01"}, "date_of_birth", "too long ago"),
        ({"date_of_birth": None}, "date_of_birth", "may not be null"),
        ({"gender": "spaceship"}, "gender", "Choose Female"),
        ({"gender": "Q"}, "gender", "Choose Female"),
        ({"contact_info": "1" * 256}, "contact_info", "at most 255"),
        ({"address": ["x"]}, "address", "Not a valid string"),
        ({"known_allergies": "a," * 60 + ",".join(f"s{n}" for n in range(60))}, "known_allergies", "at most 50"),
    ],
)
def test_wrong_values_are_refused_at_their_field_and_nothing_is_kept(program, db, wrong, field, message):
    body = json.dumps(JANE | wrong)
    answer = program("receptionist").post("/api/patients/", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert message in " ".join(answer.get_json()[field])
    assert db.session.scalars(select(Patient).filter_by(address="123 Main St")).all() == []


@pytest.mark.parametrize("missing", ["first_name", "last_name", "date_of_birth", "gender"])
def test_what_is_required_is_named(program, missing):
    answer = program("receptionist").post("/api/patients/", json={k: v for k, v in JANE.items() if k != missing})
    assert (answer.status_code, answer.get_json()) == (400, {missing: ["This field is required."]})


def test_page_and_program_are_told_the_same(program, desk):
    errors = program("receptionist").post("/api/patients/", json=JANE | {"date_of_birth": "2999-01-01"}).get_json()
    page = desk("receptionist").form("/patients/new", first_name="Jane", gender="female", date_of_birth="1 1 2999")
    assert errors["date_of_birth"][0] in words(page.get_data(as_text=True))


def test_a_correction_answers_the_whole_object(program):
    patient = a_patient()
    answer = program("doctor").put(f"/api/patients/{patient.id}/", json=JANE)
    assert answer.status_code == 200
    assert {name: answer.get_json()[name] for name in JANE} == JANE


@pytest.mark.security("N")
def test_a_stale_correction_is_refused_with_the_present_state(program):
    patient, nurse = a_patient(), program("nurse")
    tag = nurse.get(f"/api/patients/{patient.id}/").headers["ETag"]
    assert nurse.put(f"/api/patients/{patient.id}/", json=JANE, headers={"If-Match": tag}).status_code == 200
    stale = nurse.put(f"/api/patients/{patient.id}/", json=JANE | {"address": "x"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.get_json()["address"]) == (412, "123 Main St")


@pytest.mark.security("D")
def test_who_registers_writes_down_allergies_that_the_role_is_not_shown(program):
    made = program("receptionist").post("/api/patients/", json=JANE | {"known_allergies": "Latex, Penicillin"})
    assert (made.status_code, "known_allergies" in made.get_json()) == (201, False)
    assert {row.substance for row in queries.allergies(made.get_json()["id"])} == {"Latex", "Penicillin"}


def test_a_role_that_may_not_record_allergies_may_repeat_them(program):
    patient = a_patient(allergies=["Penicillin"])
    desk = program("receptionist")
    assert desk.put(f"/api/patients/{patient.id}/", json=JANE).status_code == 200
    refused = desk.put(f"/api/patients/{patient.id}/", json=JANE | {"known_allergies": "Latex"})
    assert refused.status_code == 403
    assert "known_allergies" in refused.get_json()["detail"]
    assert [row.substance for row in queries.allergies(patient.id)] == ["Penicillin"]


@pytest.mark.parametrize(
    ("text", "kept"), [("NKDA", "None"), ("none", "None"), ("", ""), ("Latex;  nuts", "Latex, nuts")]
)
def test_allergies_are_one_line_of_text(program, text, kept):
    made = program("doctor").post("/api/patients/", json=JANE | {"known_allergies": text}).get_json()
    assert made["known_allergies"] == kept


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("pharmacist", "post", 403),
        ("cashier", "put", 403),
        ("lab", "put", 403),
        ("doctor", "delete", 403),
        ("receptionist", "delete", 403),
        ("norole", "get", 403),
        (None, "get", 401),
    ],
)
@pytest.mark.security("D")
def test_who_may_not_is_refused(program, role, method, status):
    patient = a_patient()
    path = "/api/patients/" if method == "post" else f"/api/patients/{patient.id}/"
    answer = getattr(program(role), method)(path, **({"json": JANE} if method in ("post", "put") else {}))
    assert answer.status_code == status


@pytest.mark.security("B")
def test_deleting_withdraws(program, db):
    patient, admin = a_patient(), program("admin")
    assert admin.delete(f"/api/patients/{patient.id}/").status_code == 204
    shown = admin.get(f"/api/patients/{patient.id}/").get_json()
    assert (shown["id"], shown["is_withdrawn"]) == (patient.id, True)
    assert program("doctor").get(f"/api/patients/{patient.id}/").status_code == 404
    assert [row["id"] for row in admin.get("/api/patients/").get_json() if row["id"] == patient.id] == []
    assert admin.delete(f"/api/patients/{patient.id}/").status_code == 404
    assert db.session.get(Patient, patient.id).status == "withdrawn"


@pytest.mark.security("O")
def test_reading_a_patient_is_in_the_trail(program, db, person):
    patient = a_patient()
    program("cashier").get(f"/api/patients/{patient.id}/")
    seen = db.session.scalars(select(AuditEntry).filter_by(action="patients.read", patient_id=patient.id)).one()
    assert seen.actor_id == person("cashier").id


def test_lists_are_searched_ordered_and_cut(program):
    for nth in range(3):
        a_patient(given_names=f"Nr{nth}", family_name="Zzab", phone=f"076 551 23{nth}")
    client = program("receptionist")
    assert len(client.get("/api/patients/?search=zzab").get_json()) == 3
    assert [row["first_name"] for row in client.get("/api/patients/?search=zzab 551231").get_json()] == ["Nr1"]
    newest = client.get("/api/patients/?ordering=-created_at&limit=2&search=zzab").get_json()
    assert (newest["count"], [row["first_name"] for row in newest["results"]]) == (3, ["Nr2", "Nr1"])
    assert client.get("/api/patients/?date_to=2000-01-01").get_json() == []


@pytest.mark.parametrize(
    "query",
    ["ordering=password", "date=yesterday", "date_from=2026-13-01", "page=0", "page=x", "limit=-1", "page_size=1e3"],
)
def test_unusable_arguments_are_400(program, query):
    assert program("receptionist").get(f"/api/patients/?{query}").status_code == 400


@pytest.mark.parametrize("name", ["page_size", "limit"])
def test_a_page_of_more_than_a_hundred_is_refused_with_the_limit(program, name):
    client = program("receptionist")
    for size in ("101", "100000"):
        answer = client.get(f"/api/patients/?{name}={size}")
        assert (answer.status_code, answer.json) == (400, {name: ["Enter a whole number from 1 to 100."]})
    assert client.get(f"/api/patients/?{name}=100").status_code == 200


@pytest.mark.parametrize("search", ["%", "_", "\\", "'", "\x00", "\ud800", "a" * 5000, "🩺", "0" * 400, "%%%%% 1"])
@pytest.mark.security("J")
def test_any_search_is_answered(program, search):
    query = {"search": search.encode("utf-8", "surrogatepass")}
    assert program("receptionist").get("/api/patients/", query_string=query).status_code == 200


@pytest.mark.parametrize("patient_id", ["0", "999999999", str(2**63 - 1), str(2**63), "-1", "x"])
def test_an_id_that_names_nobody_is_not_found(program, patient_id):
    assert program("doctor").get(f"/api/patients/{patient_id}/").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"null", b'{"first_name": "\\ud800"}'])
def test_a_body_that_is_no_object_is_400(program, body):
    answer = program("receptionist").post("/api/patients/", data=body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.security("N")
def test_a_repeat_with_the_same_key_registers_once(program, db):
    client = program("receptionist")
    answers = [client.post("/api/patients/", json=JANE, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert answers[0].get_json()["id"] == answers[1].get_json()["id"]
    assert len(db.session.scalars(select(Patient).filter_by(address="123 Main St")).all()) == 1


def test_lookalikes_are_named_with_reasons(program):
    known = a_patient(given_names="Isatu", family_name="Jalloh", phone="076 123 476")
    query = {"first_name": "Isata", "last_name": "Jalloh", "date_of_birth": "1991-03-13", "gender": "F"}
    found = program("receptionist").get("/api/patients/lookalikes/", query_string=query).get_json()
    assert (found[0]["patient"]["id"], found[0]["is_strong"]) == (known.id, True)
    assert "same date of birth" in found[0]["reasons"]
    for wrong in ("x", "9999-12-31", "0001-01-01"):
        query = f"first_name=Isata&date_of_birth={wrong}"
        assert program("receptionist").get(f"/api/patients/lookalikes/?{query}").status_code == 400, wrong
    assert program("lab").get("/api/patients/lookalikes/").status_code == 403


def test_the_list_costs_the_same_for_ten_and_a_hundred(program):
    client = program("doctor")
    costs = []
    for several in (10, 89):
        for nth in range(several):
            a_patient(given_names=f"Nr{nth}", family_name="Zzab", allergies=["Latex"])
        costs.append(min(client.get("/api/patients/?search=zzab").headers["X-Queries"] for _ in range(3)))
    assert costs[0] == costs[1]


def test_a_person_registered_twice_is_answered_with_the_candidates_and_a_key(program, person, db):
    client, twin = program("receptionist"), JANE | {"first_name": "Zjane", "contact_info": "076 771 009"}
    known = client.post("/api/patients/", json=twin).get_json()
    with_id = a_patient(given_names="Zama", family_name="Zquaye", national_id="SL-4455667", phone="")
    asked = client.post("/api/patients/", json=twin | {"first_name": "Zjayne"}, headers={"Idempotency-Key": "twice"})
    assert (asked.status_code, asked.get_json()["code"]) == (409, "possible_duplicate")
    first = asked.get_json()["candidates"][0]
    assert (first["patient"]["id"], first["is_strong"]) == (known["id"], True)
    assert "known_allergies" not in first["patient"], "the front desk does not read them"
    assert known["unique_id"] in asked.get_json()["detail"]
    wrong = client.post("/api/patients/", json=twin | {"confirm_duplicate": with_id.id})
    assert wrong.status_code == 409
    for odd in (0, -1, "x", True, 1.5, 10**400):
        assert client.post("/api/patients/", json=twin | {"confirm_duplicate": odd}).status_code == 400, odd
    made = client.post("/api/patients/", json=twin | {"confirm_duplicate": known["id"]})
    assert made.status_code == 201
    others = [twin | {"first_name": name, "last_name": "Zq"} for name in ("Zabu", "Zmoses", "Zhawa")]
    costs = [int(client.post("/api/patients/", json=other).headers["X-Queries"]) for other in others]
    assert min(costs) <= 10
    same = ComparedPerson("Zama", "Zconteh", sex="female", national_id="sl4455667", birth_date=with_id.birth_date)
    found = duplicates.duplicate_candidates(same, who=person("receptionist"), is_quick=True)
    assert [(candidate.hit.id, candidate.is_strong) for candidate in found] == [(with_id.id, True)]
    married = a_patient(given_names="Zsia", family_name="Zkallon", preferred_name="Zlebbie", phone="")
    same = ComparedPerson("Zsia", "Zlebbie", birth_date=married.birth_date)
    found = duplicates.duplicate_candidates(same, who=person("receptionist"), is_quick=True)
    assert found[0].hit.id == married.id
