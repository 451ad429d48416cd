"""JSON of encounters and prescriptions: fields, access, errors, bad input."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.clinical.models import Encounter, Prescription
from hms.clinical.prescriptions import actions
from hms.core.audit.models import AuditEntry
from tests.clinical.factories import a_patient, allergic, an_encounter, signed, some_codes
from tests.formulary.factories import load, medicine

CLINICAL = {"notes", "diagnosis"}
SEEN_BY_OTHERS = {"id", "patient", "appointment", "doctor", "created_at"}


@pytest.fixture
def patient(db):
    return a_patient()


def begin(client, patient, /, **more):
    return client.post("/api/encounters/", json={"patient": patient.id, "notes": "n", "diagnosis": "d"} | more)


def test_a_doctor_opens_writes_and_signs(program, patient, db):
    client = program("doctor")
    made = begin(client, patient)
    assert made.status_code == 201
    assert made.json["doctor"] is not None
    assert {"id", "patient", "appointment", "doctor", "notes", "diagnosis", "created_at", "updated_at"} <= set(
        made.json
    )
    assert (made.json["status"], made.json["diagnosis"]) == ("in_progress", "d")
    target = f"/api/encounters/{made.json['id']}/"
    written = client.put(target, json=made.json | {"notes": "Fever", "treatment_plan": "Rest"})
    assert (written.json["notes"], written.json["treatment_plan"]) == ("Fever", "Rest")
    sealed = client.post(target + "sign/")
    assert sealed.status_code == 200
    assert sealed.json["status"] == "signed"
    assert client.put(target, json={"notes": "other"}).status_code == 409
    assert client.post(target + "sign/").status_code == 409
    assert client.get(target).json["notes"] == "Fever"


def test_the_tag_of_a_compressed_answer_matches(program, patient):
    client = program("doctor")
    target = f"/api/encounters/{begin(client, patient, notes='Fever and cough. ' * 200).json['id']}/"
    response = client.get(target, headers={"Accept-Encoding": "gzip"})
    assert (response.headers["Content-Encoding"], response.headers["ETag"]) == ("gzip", '"1:gzip"')
    changed = {"notes": "Fever. " * 300, "diagnosis": "d"}
    written = client.put(
        target, json=changed, headers={"If-Match": response.headers["ETag"], "Accept-Encoding": "gzip"}
    )
    assert written.status_code == 200
    for stale in (response.headers["ETag"], '"1"', '"2:br"', '"2:"', '"2:gzip:gzip"'):
        assert client.put(target, json=changed, headers={"If-Match": stale}).status_code == 412, stale
    assert client.put(target, json=changed, headers={"If-Match": f'"9", {written.headers["ETag"]}'}).status_code == 200


def test_every_post_starts_a_new_encounter(program, patient):
    client = program("doctor")
    assert begin(client, patient).json["id"] != begin(client, patient).json["id"]


def test_ids_are_accepted_with_and_without_the_suffix_id(program, patient):
    body = {"patient_id": patient.id, "notes": "n", "chief_complaint": "Cough", "physical_examination": "Chest clear"}
    made = program("doctor").post("/api/encounters/", json=body).json
    assert (made["chief_complaint"], made["notes"]) == ("Cough", "n\n\nChest clear")


@pytest.mark.parametrize("role", ["admin", "nurse", "receptionist", "pharmacist", "cashier", "lab", "patient"])
@pytest.mark.security("D")
def test_only_doctors_write(program, person, patient, role):
    encounter = an_encounter(person("doctor"), patient, notes="n")
    client = program(role)
    target = f"/api/encounters/{encounter.id}/"
    assert begin(client, patient).status_code == 403
    assert client.put(target, json={"notes": "x"}).status_code == 403
    assert client.post(target + "sign/").status_code == 403
    assert client.post("/api/prescriptions/", json={"encounter": encounter.id}).status_code == 403
    assert client.delete(target).status_code == (204 if role == "admin" else 403)


@pytest.mark.parametrize("role", ["receptionist", "pharmacist", "cashier", "lab"])
@pytest.mark.security("D")
def test_other_roles_see_the_encounter_without_its_content(program, person, patient, role):
    encounter = an_encounter(person("doctor"), patient, notes="secret", diagnosis="secret")
    client = program(role)
    response = client.get(f"/api/encounters/{encounter.id}/")
    assert set(response.json) == SEEN_BY_OTHERS
    assert set(client.get("/api/encounters/").json[0]) == SEEN_BY_OTHERS
    for part in ("vitals", "conditions", "addenda"):
        assert client.get(f"/api/encounters/{encounter.id}/{part}/").status_code == 403


@pytest.mark.parametrize("role", ["doctor", "nurse", "admin"])
def test_clinical_staff_read_notes(program, person, patient, role):
    an_encounter(person("doctor"), patient, notes="n")
    assert set(program(role).get("/api/encounters/").json[0]) >= CLINICAL


@pytest.mark.security("O")
def test_an_administrators_reading_is_in_the_audit_trail(program, person, patient, db):
    encounter = an_encounter(person("doctor"), patient, notes="n")
    program("admin").get(f"/api/encounters/{encounter.id}/")
    read = db.session.scalars(select(AuditEntry).filter_by(action="clinical.read_encounter")).one()
    assert (read.actor_name, read.entity_id) == ("admin", encounter.id)


@pytest.mark.security("D")
def test_administrators_need_emergency_access_to_read_notes(program, person, patient, db):
    from hms.core.settings import store as settings

    settings.change_setting("clinical.admin_requires_break_glass", True, by=person("admin"))
    settings.clear_cache()
    encounter = an_encounter(person("doctor"), patient, notes="n")
    client = program("admin")
    assert set(client.get(f"/api/encounters/{encounter.id}/").json) == SEEN_BY_OTHERS
    assert client.get(f"/api/encounters/{encounter.id}/vitals/").status_code == 403


def test_lists_are_filtered(program, person, patient):
    other = a_patient(given_names="Fatu", family_name="Sesay")
    mine = an_encounter(person("doctor"), patient, notes="n")
    an_encounter(person("doctor"), other, notes="n")
    client = program("nurse")
    for query in (f"patient={patient.id}", f"patient_id={patient.id}"):
        assert [row["id"] for row in client.get(f"/api/encounters/?{query}").json] == [mine.id]
    assert client.get("/api/encounters/?date=2001-01-01").json == []
    assert client.get("/api/encounters/?status=signed").json == []
    paged = client.get("/api/encounters/?limit=1").json
    assert (paged["count"], len(paged["results"])) == (2, 1)


@pytest.mark.parametrize("query", ["patient=x", "doctor=-1", "status=Signed", "date=22/11/2026", "page=0", "date_to=z"])
def test_a_wrong_filter_is_400(program, db, query):
    assert program("doctor").get(f"/api/encounters/?{query}").status_code == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"patient": None}, "patient"),
        ({"patient": "x"}, "patient"),
        ({"patient": 10**12}, "patient"),
        ({"patient": 10**30}, "patient"),
        ({"patient": True}, "patient"),
        ({"notes": 5}, "notes"),
        ({"notes": None}, "notes"),
        ({"notes": "a\x00b"}, "notes"),
        ({"notes": "x" * 20_001}, "notes"),
        ({"appointment": 10**12}, "appointment"),
        ({"doctor": 10**12}, "doctor"),
        ({"diagnosis": ["d"]}, "diagnosis"),
    ],
)
def test_bad_input_is_refused_at_its_field(program, patient, db, change, field):
    answer = begin(program("doctor"), patient, **change)
    assert answer.status_code == 400
    assert field in answer.json
    assert db.session.scalars(select(Encounter)).all() == []


@pytest.mark.parametrize("body", ["", "[]", "nonsense", "5", "null"])
def test_a_body_that_is_not_an_object_is_400(program, db, body):
    client = program("doctor")
    for address in ("/api/encounters/", "/api/prescriptions/"):
        assert client.post(address, data=body, content_type="application/json").status_code == 400


def test_vitals_by_their_api_names(program, person, patient):
    encounter = an_encounter(person("doctor"), patient)
    body = {
        **{"systolic_bp": 120, "diastolic_bp": 80, "heart_rate": 70, "respiratory_rate": 14, "temperature": 36.6},
        **{"oxygen_saturation": 98, "height": 170, "weight": 70},
    }
    made = program("nurse").post(f"/api/encounters/{encounter.id}/add_vitals/", json=body)
    assert made.status_code == 201
    assert {name: float(made.json[name]) for name in body} == body
    assert (float(made.json["bmi"]), made.json["encounter"]) == (24.22, encounter.id)
    assert program("doctor").get(f"/api/encounters/{encounter.id}/vitals/").json == [made.json]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "temperature"),
        ({"temperature": 375}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": [37]}, "temperature"),
        ({"heart_rate": 1e300}, "heart_rate"),
        ({"systolic_bp": 80, "diastolic_bp": 120}, "diastolic_bp"),
        ({"temperature": 37, "consciousness": "asleep"}, "consciousness"),
    ],
)
def test_impossible_vitals_are_refused_at_their_field(program, person, patient, body, field):
    encounter = an_encounter(person("doctor"), patient)
    answer = program("nurse").post(f"/api/encounters/{encounter.id}/vitals/", json=body)
    assert answer.status_code == 400
    assert list(answer.json) == [field]


def test_diagnoses_and_addenda(program, person, patient):
    some_codes()
    encounter = an_encounter(person("doctor"), patient, notes="n")
    target = f"/api/encounters/{encounter.id}/"
    doctor, nurse = program("doctor"), program("nurse")
    made = doctor.post(target + "conditions/", json={"code": "B54", "certainty": "confirmed"})
    assert (made.status_code, made.json["text"], made.json["is_primary"]) == (201, "Unspecified malaria", True)
    extra = doctor.post(target + "conditions/", json={"text": "Tired"}).json
    assert doctor.delete(f"{target}conditions/{extra['id']}/").status_code == 204
    assert [row["code"] for row in nurse.get(target + "conditions/").json] == ["B54"]
    assert nurse.post(target + "addenda/", json={"text": "Too early"}).status_code == 400
    doctor.post(target + "sign/", json={})
    assert nurse.post(target + "addenda/", json={"text": "Called back"}).status_code == 201
    assert nurse.get(target + "addenda/").json[0]["text"] == "Called back"
    assert doctor.post(target + "conditions/", json={"text": "Late"}).status_code == 409


def order(client, visit, **more):
    body = {"encounter": visit.id, "medication_name": "Paracetamol 500mg", "dosage": "1 g", "frequency": "3x daily"}
    return client.post("/api/prescriptions/", json=body | {"duration": "3 days", "instructions": "after food"} | more)


def test_a_prescription_is_signed_with_its_encounter(program, person, patient):
    load()
    encounter = an_encounter(person("doctor"), patient, notes="n", diagnosis="d")
    client = program("doctor")
    made = order(client, encounter)
    assert made.status_code == 201
    assert made.json["medication_name"] == "Paracetamol 500mg"
    assert made.json["medication"] == medicine("paracetamol-500-mg-tablet").id
    assert (made.json["status"], made.json["quantity"], made.json["instructions"]) == ("draft", 18, "after food")
    target = f"/api/prescriptions/{made.json['id']}/"
    read = client.get(target)
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    changed = client.put(target, json={"dosage": "500 mg", "frequency": "bd", "duration": "2 days"})
    assert (changed.status_code, changed.json["quantity"]) == (200, 4)
    client.post(f"/api/encounters/{encounter.id}/sign/")
    assert client.get(target).json["status"] == "active"
    assert client.put(target, json={"dosage": "1 g", "frequency": "bd"}).status_code == 409
    assert order(client, encounter).json["status"] == "active"


def test_an_allergy_alert_needs_a_reason(program, person, patient):
    load()
    allergic(patient)
    client, encounter = program("doctor"), an_encounter(person("doctor"), patient)
    stopped = order(client, encounter, medication_name="Amoxicillin", dosage="500mg")
    assert stopped.status_code == 400
    assert list(stopped.json) == ["override_reason", "questions"]
    assert "anaphylaxis" in stopped.json["override_reason"][0]
    answer = {"override_code": "no_alternative", "override_reason": "Nothing else here"}
    made = order(client, encounter, medication_name="Amoxicillin", dosage="500mg", **answer)
    assert (made.status_code, made.json["override_code"]) == (201, "no_alternative")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"encounter": None}, "encounter"),
        ({"encounter": 10**12}, "encounter"),
        ({"encounter": "one"}, "encounter"),
        ({"medication_name": ""}, "medication_name"),
        ({"medication_name": "x" * 256}, "medication_name"),
        ({"medication": 10**12}, "medication"),
        ({"dosage": "x" * 101}, "dosage"),
        ({"frequency": 3}, "frequency"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"instructions": "a\x00"}, "instructions"),
    ],
)
def test_a_wrong_prescription_is_refused_at_its_field(program, person, patient, db, change, field):
    encounter = an_encounter(person("doctor"), patient)
    answer = order(program("doctor"), encounter, **change)
    assert answer.status_code == 400
    assert list(answer.json) == [field]
    assert db.session.scalars(select(Prescription)).all() == []


@pytest.mark.parametrize("role", ["receptionist", "cashier", "lab"])
@pytest.mark.security("D")
def test_other_roles_see_the_status_of_a_prescription(program, person, patient, role):
    encounter = an_encounter(person("doctor"), patient)
    actions.prescribe(encounter.id, medication_name="Honey", by=person("doctor"))
    seen = program(role).get("/api/prescriptions/").json[0]
    assert set(seen) == {"id", "encounter", "created_at", "status"}
    assert program(role).post("/api/prescriptions/check_drug_interaction/", json={"medications": []}).status_code == 403


def test_the_pharmacist_reads_prescriptions(program, person, patient):
    encounter = an_encounter(person("doctor"), patient)
    actions.prescribe(encounter.id, medication_name="Honey", by=person("doctor"))
    rows = program("pharmacist").get(f"/api/prescriptions/?encounter={encounter.id}&status=draft").json
    assert rows[0]["medication_name"] == "Honey"


def test_the_checks_work_without_a_prescription(program, patient):
    load()
    allergic(patient)
    client = program("doctor")
    body = {"patient_id": patient.id, "medication_name": "Amoxicillin 500 mg"}
    result = client.post("/api/prescriptions/check_drug_allergy/", json=body).json
    assert result["alert"] is True
    assert "anaphylaxis" in result["message"]
    unknown = client.post("/api/prescriptions/check_drug_allergy/", json=body | {"patient_id": 10**12})
    assert (unknown.status_code, unknown.json) == (404, {"alert": False, "message": "Patient not found."})
    pair = client.post(
        "/api/prescriptions/check_drug_interaction/", json={"medications": ["warfarin", "ibuprofen", "dew"]}
    )
    assert pair.json["interactions"][0]["drugs"] == ["warfarin", "ibuprofen"]
    assert pair.json["not_checked"] == ["dew"]


def test_lists_need_the_same_queries_for_more_rows(program, person):
    doctor = person("doctor")
    patient = a_patient()
    for _time in range(24):
        signed(doctor, patient)
    client = program("doctor")
    client.get("/api/encounters/?page_size=2")
    few = client.get("/api/encounters/?page_size=2").headers["X-Queries"]
    assert client.get("/api/encounters/?page_size=20").headers["X-Queries"] == few


@pytest.mark.security("B")
def test_a_signed_encounter_is_withdrawn_and_stays_stored(program, person, patient, db):
    encounter = signed(person("doctor"), patient)
    assert program("admin").delete(f"/api/encounters/{encounter.id}/").status_code == 204
    assert program("doctor").get(f"/api/encounters/{encounter.id}/").status_code == 404
    assert db.session.get(Encounter, encounter.id).status == "entered_in_error"
    assert program("doctor").post(f"/api/encounters/{encounter.id}/restore/").status_code == 403
    assert program("admin").post(f"/api/encounters/{encounter.id}/restore/").status_code == 204
    assert program("doctor").get(f"/api/encounters/{encounter.id}/").json["status"] == "signed"
