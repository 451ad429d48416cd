"""Substances that nobody knows: the same words are stopped, and what could not be checked needs a reason before signing."""

from __future__ import annotations

import pytest

from hms.clinical import signing
from hms.clinical.models import Prescription
from hms.clinical.prescriptions import actions
from hms.core.errors import RuleBroken
from hms.formulary.medicines import actions as formulary_actions
from tests.clinical.factories import a_patient, allergic, an_encounter, reasons, signed
from tests.formulary.factories import load

SAME_WORDS = [
    ("Penicillin", "Penicillin"),
    ("Xyzzy", "Xyzzy"),
    ("Xyzzy", "xyzzy 500 mg tablets"),
    ("Ɓinta-Forte syrup", "ɓinta forte"),
    ("Пеницифол", "пеницифол 250 mg"),
    ("Reaction to Zyloxan in 2019", "Zyloxan"),
    ("amoxicillin", "Penicillin injection"),
    ("Xyzzys", "xyzzy 5 mg"),
    ("Xyzzy™ forte", "Xyzzy"),
    ("Bactrim™", "Septrin"),
    ("Xy-zzy", "Xyzzy tablets"),
    ("metamizole", "Metamizol"),
    ("anti-inflammatoires", "Brufen"),
    ("barbituriques", "Phenobarbitone"),
    ("aminosides", "Gentamycin"),
    ("beta-lactams", "Ceftriaxone"),
]
DIFFERENT = [
    ("Xyzzy tablets", "Plugh tablets"),
    ("Xyzzy 500 mg", "Plugh 500 mg"),
    ("Xyzzy", "Xyzzyne"),
    ("Xyzzy", "Xyzza"),
]
BODY = {"dosage": "1 tablet", "frequency": "bd", "duration": "3 days"}


@pytest.mark.parametrize(("recorded", "prescribed"), SAME_WORDS)
def test_the_recorded_words_are_stopped(program, person, recorded, prescribed):
    patient = a_patient()
    allergic(patient, recorded)
    encounter = an_encounter(person("doctor"), patient)
    client = program("doctor")
    body = {"encounter": encounter.id, "medication_name": prescribed} | BODY
    refused = client.post("/api/prescriptions/", json=body)
    assert (refused.status_code, list(refused.json)) == (400, ["override_reason", "questions"])
    assert recorded in refused.json["override_reason"][0]
    made = client.post("/api/prescriptions/", json=body | {"override_code": "tolerated_before"})
    assert made.status_code == 201
    assert "stop" in {alert["tier"] for alert in made.json["alerts"]}


@pytest.mark.parametrize(("recorded", "prescribed"), DIFFERENT)
def test_other_words_are_not_stopped_and_need_a_reason_before_signing(program, person, recorded, prescribed):
    patient = a_patient()
    allergic(patient, recorded)
    encounter = an_encounter(person("doctor"), patient, notes="n", no_diagnosis_reason="check")
    client = program("doctor")
    made = client.post("/api/prescriptions/", json={"encounter": encounter.id, "medication_name": prescribed} | BODY)
    assert (made.status_code, made.json["alerts"], made.json["needs_reason"]) == (201, [], True)
    assert any("not in the formulary" in gap for gap in made.json["could_not_check"])
    target = f"/api/encounters/{encounter.id}/sign/"
    refused = client.post(target, json={})
    assert (refused.status_code, list(refused.json)) == (400, ["override_reason", "questions", "code"])
    assert prescribed in refused.json["override_reason"][0]
    assert client.post(target, json={"override_code": "other", "override_reason": "no"}).status_code == 400
    assert client.post(target, json={"override_code": ["other"]}).status_code == 400
    assert client.post(target, json={"override_code": "checked_by_hand"}).status_code == 200
    line = client.get(f"/api/prescriptions/{made.json['id']}/").json
    assert (line["status"], line["override_code"], line["needs_reason"]) == ("active", "checked_by_hand", False)


def test_the_words_of_the_hospitals_own_medicine_and_its_brand_are_compared(db, person):
    own = formulary_actions.add_medication(
        generic_name="Zorblax", brand_name="Fendor", formulation="Tablet", by=person("admin")
    )
    for recorded in ("zorblax", "Fendor tablets"):
        patient = a_patient(given_names=recorded.title())
        allergic(patient, recorded)
        encounter = an_encounter(person("doctor"), patient)
        with pytest.raises(RuleBroken, match="same name"):
            actions.prescribe(encounter.id, medication_id=own.id, **BODY, by=person("doctor"))


def test_a_signed_encounter_takes_no_line_that_could_not_be_checked_without_a_reason(db, person):
    doctor = person("doctor")
    encounter = signed(doctor)
    with pytest.raises(RuleBroken, match="not in the formulary") as refused:
        actions.prescribe(encounter.id, medication_name="Plugh", by=doctor)
    assert (refused.value.field, refused.value.code) == ("override_reason", "not_checked")
    line = actions.prescribe(encounter.id, medication_name="Plugh", override_code="checked_by_hand", by=doctor)
    assert (line.status, line.override_code) == ("active", "checked_by_hand")


def test_the_page_asks_for_the_reason_at_the_signature(desk, db, person):
    patient = a_patient()
    allergic(patient, "Xyzzy")
    encounter = an_encounter(person("doctor"), patient, notes="n", no_diagnosis_reason="check")
    line = actions.prescribe(encounter.id, medication_name="Plugh", **BODY, by=person("doctor"))
    at = f"/encounters/{encounter.id}"
    page = desk("doctor").get(at).get_data(as_text=True)
    assert 'data-ux="sign-unchecked"' in page
    assert 'data-ux="rx-not-checked"' in page
    refused = desk("doctor").form(at, do="sign")
    assert refused.status_code == 400
    assert "could not be checked" in refused.get_data(as_text=True)
    assert line.status == "draft"
    answers = reasons(page, "checked_by_hand")
    assert answers
    assert reasons(refused.get_data(as_text=True), "checked_by_hand") == answers, (
        "the boxes are there where it is asked"
    )
    assert desk("doctor").form(at, do="sign", **answers).status_code == 303
    db.session.expire_all()
    assert (db.session.get(Prescription, line.id).status, line.override_code) == ("active", "checked_by_hand")


def test_a_check_that_could_not_run_is_loud_without_a_prescription(program):
    patient = a_patient()
    allergic(patient, "Xyzzy")
    client = program("doctor")
    target = "/api/prescriptions/check_drug_allergy/"
    answer = client.post(target, json={"patient_id": patient.id, "medication_name": "Plugh"}).json
    assert (answer["alert"], answer["outcome"]) == (True, "could_not_run")
    answer = client.post(target, json={"patient_id": patient.id, "medication_name": "Xyzzy"}).json
    assert (answer["alert"], answer["outcome"]) == (True, "fired")
    pairs = client.post("/api/prescriptions/check_drug_interaction/", json={"medications": ["warfarin", "Plugh"]}).json
    assert [(entry["severity"], entry["drugs"]) for entry in pairs["interactions"]] == [("not_checked", ["Plugh"])]


def test_a_missing_fact_about_the_patient_is_loud_but_needs_no_reason(db, person):
    load()
    doctor = person("doctor")
    encounter = an_encounter(doctor, a_patient(), notes="n", no_diagnosis_reason="check")
    fields = {"medication_name": "Amlodipine 5 mg", "dosage": "5 mg", "frequency": "od", "duration": "5 days"}
    line = actions.prescribe(encounter.id, **fields, by=doctor)
    assert any("Ask the patient" in check["missing"] for check in line.checks["checks"])
    assert signing.sign(encounter.id, by=doctor).status == "signed"


def test_a_serious_interaction_needs_a_reason_before_signing(program, desk, person):
    load()
    doctor = person("doctor")
    encounter = an_encounter(doctor, a_patient(), notes="n", no_diagnosis_reason="check")
    client = program("doctor")
    body = {"encounter": encounter.id, "frequency": "od", "duration": "5 days"}
    first = client.post("/api/prescriptions/", json=body | {"medication_name": "Enalapril 5 mg", "dosage": "5 mg"}).json
    made = client.post("/api/prescriptions/", json=body | {"medication_name": "Ibuprofen 400 mg", "dosage": "400 mg"})
    assert (made.status_code, first["needs_reason"], made.json["needs_reason"]) == (201, False, True)
    assert [alert["tier"] for alert in made.json["alerts"] if alert["rule"] == "interaction"] == ["caution"]
    assert "paracetamol" in desk("doctor").get(f"/encounters/{encounter.id}").get_data(as_text=True)
    target = f"/api/encounters/{encounter.id}/sign/"
    refused = client.post(target, json={})
    assert (refused.status_code, list(refused.json)) == (400, ["override_reason", "questions", "code"])
    assert "kidneys" in refused.json["override_reason"][0]
    assert desk("doctor").form(f"/encounters/{encounter.id}", do="sign").status_code == 400
    assert client.post(target, json={"override_code": "benefit_outweighs"}).status_code == 200
    line = client.get(f"/api/prescriptions/{made.json['id']}/").json
    assert (line["override_code"], line["needs_reason"]) == ("benefit_outweighs", False)
    assert line["rules_version"] in line["looked_up"][0] + line["looked_up"][1]
