"""The problem list: kept on its page and in the API; kidneys and illnesses at the prescription."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from hms.clinical import signing, withdrawal
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.models import ICD10, Condition, Encounter, Observation
from hms.clinical.prescriptions.illness_facts import load_illnesses
from hms.clinical.problems import rules
from hms.clinical.vitals import actions as vitals_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.errors import RuleBroken
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from tests.clinical.factories import a_patient, an_encounter, some_codes
from tests.formulary.factories import load, medicine
from tests.page import said, words


def problems(db) -> list[Condition]:
    db.session.expire_all()
    return list(db.session.scalars(select(Condition).filter_by(is_problem=True).order_by(Condition.id)))


def test_a_diagnosis_of_a_visit_is_listed_with_one_press(desk, db, person):
    some_codes()
    patient, client = a_patient(), desk("doctor")
    encounter = an_encounter(person("doctor"), patient, notes="n")
    malaria = diagnosis_actions.add_condition(encounter.id, code="B54", by=person("doctor"))
    pressure = diagnosis_actions.add_condition(encounter.id, code="I10", certainty="confirmed", by=person("doctor"))
    page = f"/patients/{patient.id}/problems"
    assert problems(db) == [], "a diagnosis of a visit does not become a problem by itself"
    open_page = f"/encounters/{encounter.id}"
    assert client.form(open_page, do=f"list_dx:{pressure.id}").status_code == 303
    assert "On the problem list" in words(client.get(open_page).get_data(as_text=True))
    signing.sign(encounter.id, by=person("doctor"))
    shown = words(client.get(page).get_data(as_text=True))
    assert "Diagnoses of visits that are not on the list" in shown
    name = malaria.title
    assert f"{name} is on the problem list." in said(client, page, f"/problems/list/{malaria.id}")
    assert [(each.code, each.encounter_id, each.certainty) for each in problems(db)] == [
        ("I10", None, "confirmed"),
        ("B54", None, "provisional"),
    ]
    assert [each.onset_on for each in problems(db)] == [None, None], "the day of the visit is not the onset"
    assert words(client.get(page).get_data(as_text=True)).count("Not known") == 2
    other = an_encounter(person("doctor"), a_patient(), notes="n")
    stale = client.form(f"/encounters/{other.id}", do=f"list_dx:{malaria.id}")
    assert (stale.status_code, len(problems(db))) == (404, 2), "the button names a diagnosis of another encounter"


def test_a_problem_is_kept_on_its_page(desk, db):
    some_codes()
    patient, client = a_patient(), desk("doctor")
    page, name = f"/patients/{patient.id}/problems", "Unspecified malaria"
    assert f"{name} is on the problem list." in said(client, page, "/problems", text="B54", certainty="provisional")
    at = f"/problems/{problems(db)[0].id}"
    assert f"{name}: confirmed." in said(client, page, f"{at}/confirm")
    assert f"{name}: provisional now." in said(client, page, f"{at}/doubt")
    assert problems(db)[0].certainty == "provisional"
    assert f"{name}: resolved." in said(client, page, f"{at}/resolve", resolved_on="")
    assert (problems(db)[0].clinical_status, problems(db)[0].abated_on) == ("resolved", clock.today())
    assert "resolved. Reopen it there" in words(client.send(page, text="B54").get_data(as_text=True))
    assert f"{name}: active again." in said(client, page, f"{at}/reopen")
    assert (problems(db)[0].clinical_status, problems(db)[0].abated_on) == ("active", None)
    said(client, page, "/problems", text="Back pain", onset="12.3.2019", certainty="confirmed")
    again = client.send(page, text="Back pain", certainty="confirmed")
    assert (again.status_code, "on the problem list already" in words(again.get_data(as_text=True))) == (409, True)
    back = f"{page}/{problems(db)[1].id}"
    said(client, page, "/problems", text="Gout", onset="2024")
    assert client.send(f"{page}/{problems(db)[2].id}/resolve", resolved_on="1.1.2020").status_code == 409
    said(client, page, f"/problems/{problems(db)[2].id}/withdraw")
    early = client.send(f"{back}/resolve", resolved_on="1.1.2019")
    assert (early.status_code, "before it began" in words(early.get_data(as_text=True))) == (409, True)
    assert f"{name}: taken off the list" in said(client, page, f"{at}/withdraw")
    assert [each.status for each in problems(db)] == ["entered_in_error", "final", "entered_in_error"]


def test_the_list_is_on_the_chart_and_only_doctors_change_it(desk, person):
    patient, client = a_patient(), desk("doctor")
    page = f"/patients/{patient.id}/problems"
    said(client, page, "/problems", text="Back pain", onset="2019", certainty="confirmed")
    assert client.send(f"{page}/999999/reopen").status_code == 404
    assert client.send(f"{page}/999999/dance").status_code == 404
    summary = words(client.get(f"/patients/{patient.id}").get_data(as_text=True))
    assert "Back pain" in summary
    assert "2019" in summary.partition("Problems")[2].partition("Current medicines")[0]
    nurse = desk("nurse")
    assert "Add a problem" not in words(nurse.get(page).get_data(as_text=True))
    assert nurse.send(page, text="Cough").status_code == 403
    assert desk("receptionist").get(page).status_code == 403


ONSETS = [("", (None, "")), ("2019", (None, "2019")), ("3/2019", (None, "2019-03")), ("march 2019", (None, "2019-03")),
          ("2019-03", (None, "2019-03")), ("12.3.2019", (dt.date(2019, 3, 12), ""))]  # fmt: skip
WRONG_ONSETS = ["2027", "12/2026", "1.12.2026", "1850", "13/2019", "long ago", "0", "32.1.2020"]


def test_an_onset_is_as_much_as_is_known():
    today = dt.date(2026, 11, 30)
    assert [rules.parse_onset(text, today) for text, _known in ONSETS] == [known for _text, known in ONSETS]
    for text in WRONG_ONSETS:
        with pytest.raises(RuleBroken):
            rules.parse_onset(text, today)
    for text in ("1.12.2026", "1.1.2000", "soon"):
        with pytest.raises(RuleBroken):
            rules.parse_end(text, dt.date(2019, 3, 12), today)
    firsts = [("", None), ("as a child", None), ("2024", dt.date(2024, 1, 1)), ("2024-03", dt.date(2024, 3, 1))]
    assert [rules.first_day(None, text) for text, _day in firsts] == [day for _text, day in firsts]


def test_programs_keep_the_list_too(program, db, person):
    some_codes()
    patient, client = a_patient(), program("doctor")
    at = f"/api/patients/{patient.id}/problems/"
    made = client.post(at, json={"code": "I10", "onset": "2019-03", "certainty": "provisional"})
    assert (made.status_code, made.json["onset"], made.json["clinical_status"]) == (201, "2019-03", "active")
    assert client.post(at, json={"code": "I10"}).status_code == 409
    for body, field in (({"code": "I10x"}, "code"), ({}, "text"), ({"text": "Gout", "onset": "2999"}, "onset"),
                        ({"text": "Gout", "certainty": "sure"}, "certainty"), ({"text": "x" * 256}, "text")):  # fmt: skip
        assert list(client.post(at, json=body).json)[:1] == [field], body
    problem = f"/api/problems/{made.json['id']}"
    assert client.post(f"{problem}/certainty/", json={"certainty": "confirmed"}).json["certainty"] == "confirmed"
    ended = client.post(f"{problem}/resolve/", json={"resolved_on": "1 May 2020"}).json
    assert (ended["clinical_status"], ended["resolved_on"]) == ("resolved", "2020-05-01")
    assert client.post(f"{problem}/resolve/", json={}).status_code == 409
    assert [row["id"] for row in client.get(at, query_string={"clinical_status": "resolved"}).json] == [made.json["id"]]
    assert client.get(at, query_string={"clinical_status": "active"}).json == []
    assert client.get(at, query_string={"clinical_status": "gone"}).status_code == 400
    assert client.post(f"{problem}/reopen/").json["resolved_on"] is None
    assert client.delete(f"{problem}/").status_code == 204
    assert [client.delete(f"{problem}/").status_code, client.get(at).json] == [404, []]
    encounter = an_encounter(person("doctor"), patient)
    diagnosis = diagnosis_actions.add_condition(encounter.id, text="Gout", by=person("doctor"))
    assert client.post(f"/api/conditions/{diagnosis.id}/list/").json["text"] == "Gout"
    assert client.post(f"/api/conditions/{diagnosis.id}/list/").status_code == 409
    assert program("nurse").get(at).status_code == 200
    assert program("nurse").post(at, json={"text": "Cough"}).status_code == 403


def test_kidneys_and_illnesses_are_looked_up_for_the_prescription(program, db, person):
    load()
    some_codes()
    patient, client = a_patient(birth_date=dt.date(1950, 1, 1)), program("doctor")
    encounter = an_encounter(person("doctor"), patient, notes="n", no_diagnosis_reason="check")
    body = {"encounter": encounter.id, "medication": medicine("metformin-500-mg-tablet").id}
    body |= {"dosage": "500 mg", "frequency": "bd", "duration": "30 days"}
    unknown = client.post("/api/prescriptions/", json=body).json
    assert any("there is no creatinine result" in text for text in unknown["not_checked"])
    with action_context("tests.import", SYSTEM):
        db.session.add(
            Observation(
                patient_id=patient.id, code="2160-0", title="Creatinine", value="3.4", unit="mg/dL",
                taken_at=clock.now() - dt.timedelta(days=200),
            )
        )  # fmt: skip
    old = client.post("/api/prescriptions/", json=body).json
    assert any("more than 90 days ago" in text for text in old["not_checked"])
    vitals_actions.record_vitals(patient.id, weight="60", height="165", is_confirmed=True, by=person("nurse"))
    order = lab_actions.order_test(encounter.id, code="CREA", by=person("doctor"))
    lab_actions.enter_results(order.id, {"CREA": "300"}, by=person("lab"))
    refused = client.post("/api/prescriptions/", json=body)
    assert refused.status_code == 400
    assert "metformin: the kidneys work at about" in refused.json["override_reason"][0]
    assert "eGFR by CKD-EPI 2021" in refused.json["override_reason"][0]
    client.post(f"/api/patients/{patient.id}/problems/", json={"text": "Asthma"})
    atenolol = {"encounter": encounter.id, "medication_name": "Propranolol 40 mg", "dosage": "40 mg", "frequency": "bd"}
    stopped = client.post("/api/prescriptions/", json=atenolol)
    assert "with Asthma: It closes the airways." in stopped.json["override_reason"][0]


def test_a_diagnosis_that_is_over_or_was_an_error_counts_no_more(program, db, person):
    """What the checks compare with, and what may go on the list."""
    doctor, patient = person("doctor"), a_patient(sex="female", birth_date=dt.date(2000, 1, 1))
    client = program("doctor")

    def of_visit(text, *, is_signed=True):
        diagnosis = diagnosis_actions.add_condition(an_encounter(doctor, patient, notes="n").id, text=text, by=doctor)
        if is_signed:
            signing.sign(diagnosis.encounter_id, by=doctor)
        return diagnosis.id, diagnosis.encounter_id

    def counted():
        return sorted(each.title for each in load_illnesses(patient.id, None))

    (gout, _visit), (epilepsy, wrong), _pregnancy = map(of_visit, ("Gout", "Epilepsy", "Pregnant, 20 weeks"))
    assert counted() == ["Epilepsy", "Gout", "Pregnant, 20 weeks"]
    withdrawal.withdraw_encounter(wrong, by=person("admin"))
    assert client.post(f"/api/conditions/{epilepsy}/list/").status_code == 404
    problem = client.post(f"/api/conditions/{gout}/list/").json["id"]
    client.post(f"/api/problems/{problem}/resolve/", json={})
    assert counted() == ["Pregnant, 20 weeks"]
    vitals_actions.record_vitals(patient.id, is_pregnant=False, pulse="70", by=person("nurse"))
    assert counted() == []
    draft, encounter_id = of_visit("Gout", is_signed=False)
    assert counted() == ["Gout"], "it is back"
    with action_context("tests.move", SYSTEM):
        db.session.get(Encounter, encounter_id).doctor_id = person("admin").id
        db.session.flush()
    assert client.post(f"/api/conditions/{draft}/list/").status_code == 404, "a colleague has not signed it"


def test_codes_from_elsewhere_are_read_and_the_chart_says_that_there_is_more(desk, db):
    patient = a_patient()
    with action_context("tests.import", SYSTEM):
        for title, code in (("CKD 5", "n185"), ("Heart failure", "?"), ("Asthma", "J45.901")):
            db.session.add(Condition(patient_id=patient.id, title=title, code=code, code_system=ICD10, is_problem=True))
        db.session.flush()
        known = {each.title: each.code for each in load_illnesses(patient.id, None)}
        assert known == {"CKD 5": "N18.5", "Heart failure": "", "Asthma": "J45.90"}
        for number in range(10):
            db.session.add(Condition(patient_id=patient.id, title=f"Problem {number}", is_problem=True))
    summary = words(desk("doctor").get(f"/patients/{patient.id}").get_data(as_text=True))
    assert "Problems 12+" in summary
    assert "Only 12 are shown here. The problem list has more." in summary
