"""Missing or broken files of the safety rules: the pages work and say loudly that no check ran."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from hms.clinical.prescriptions import actions
from hms.clinical.vitals import rules as vitals_rules
from hms.clinical.vitals import usual_ranges
from hms.clinical.vitals.actions import record_vitals
from hms.clinical.vitals.readings import to_reading
from hms.core import data_files, seldom_log
from hms.core.errors import RuleBroken
from hms.formulary.dosing import routes
from hms.formulary.medicines import catalogue
from hms.lab import catalogue as lab_catalogue
from tests.clinical.factories import a_patient, allergic, an_encounter, reasons
from tests.formulary.factories import load, medicine

CUT_OFF = object()
"""The file without its last ten bytes: its last line is still read as a line."""
CUT_AT_LINE = object()
"""The file without its last two lines: every line that is left is whole."""
BROKEN = [
    ("interactions.csv", None),
    ("allergy_classes.csv", ""),
    ("substances.csv", "name,aliases,rxnorm\naspirin"),
    ("dose_limits.csv", "ingredient,kind,routes,over_days,max_mg,source\nparacetamol,single,,,much,x\n"),
    ("high_alert.csv", "group\nopioid\n"),
    ("rules_version.txt", None),
    ("form_routes.csv", None),
    ("interactions.csv", b"\xff\xfe\x00broken"),
    ("interactions.csv", CUT_OFF),
    ("allergy_cross.csv", CUT_OFF),
    ("interactions.csv", CUT_AT_LINE),
    ("form_routes.csv", CUT_AT_LINE),
]
NO_CHECK = "No safety check ran"


def forget() -> None:
    for kept in (catalogue._read_knowledge, catalogue._read_uses, routes._forms, routes._form_words):
        kept.cache_clear()


def spoil(file: Path, content: object) -> None:
    if content is None:
        file.unlink()
    elif content is CUT_OFF:
        file.write_bytes(file.read_bytes()[:-30])
    elif content is CUT_AT_LINE:
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))
    else:
        file.write_bytes(content)


@pytest.fixture(params=BROKEN, ids=lambda case: case[0])
def broken(request, monkeypatch, tmp_path, db):
    load()
    name, content = request.param
    folder = shutil.copytree(catalogue.DATA, tmp_path / "data")
    spoil(folder / name, content.encode() if isinstance(content, str) else content)
    monkeypatch.setattr(catalogue, "DATA", folder)
    monkeypatch.setattr(routes, "DATA", folder / "form_routes.csv")
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_the_encounter_page_works_and_says_that_no_check_ran(broken, desk, program, person):
    patient = a_patient()
    allergic(patient)
    doctor = person("doctor")
    encounter = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
    at = f"/encounters/{encounter.id}"
    page = desk("doctor").get(at)
    assert page.status_code == 200
    assert "No safety check runs" in page.get_data(as_text=True)
    added = desk("doctor").form(at, rx="amoxicillin 500 mg capsule", rx_dose="500 mg tds 5/7", do="add_rx")
    assert added.status_code == 303
    assert NO_CHECK in desk("doctor").get(at).get_data(as_text=True)
    body = {"encounter": encounter.id, "medication": medicine("amlodipine-5-mg-tablet").id, "dosage": "5 mg od"}
    made = program("doctor").post("/api/prescriptions/", json=body)
    assert (made.status_code, made.json["needs_reason"]) == (201, True)
    assert NO_CHECK in made.json["could_not_check"][0]
    refused = desk("doctor").form(at, do="sign")
    assert refused.status_code == 400
    assert NO_CHECK in refused.get_data(as_text=True)
    answers = reasons(refused.get_data(as_text=True), "checked_by_hand")
    assert desk("doctor").form(at, do="sign", **answers).status_code == 303
    assert desk("pharmacist").get("/pharmacy/").status_code == 200
    with pytest.raises(RuleBroken, match=NO_CHECK):
        actions.prescribe(encounter.id, medication_name="Ibuprofen 400 mg", by=doctor)


def test_broken_files_are_logged_once_a_minute(broken, caplog):
    seldom_log._last_logged.clear()
    for _ in range(3):
        assert not catalogue.load_knowledge().is_readable
    assert len([line for line in caplog.records if line.levelno >= logging.ERROR]) == 1


def test_the_checks_without_a_prescription_say_so(broken, program):
    patient = a_patient()
    allergic(patient)
    answer = program("doctor").post(
        "/api/prescriptions/check_drug_allergy/", json={"patient_id": patient.id, "medication_name": "Amoxicillin"}
    )
    assert (answer.json["alert"], answer.json["outcome"]) == (True, "could_not_run")
    answer = program("doctor").post(
        "/api/prescriptions/check_drug_interaction/", json={"medications": ["warfarin", "ibuprofen"]}
    )
    assert answer.json["not_checked"] == ["warfarin", "ibuprofen"]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", CUT_OFF, CUT_AT_LINE])
def test_without_the_usual_ranges_vitals_are_saved_and_the_pages_say_that_none_is_compared(
    content, desk, person, monkeypatch, tmp_path, request
):
    file = shutil.copytree(usual_ranges.DATA, tmp_path / "data") / "vitals_ranges.csv"
    spoil(file, content)
    monkeypatch.setattr(usual_ranges, "DATA", file.parent)
    usual_ranges._read_bands.cache_clear()
    request.addfinalizer(usual_ranges._read_bands.cache_clear)
    patient = a_patient()
    encounter = an_encounter(person("doctor"), patient, notes="n", no_diagnosis_reason="check")
    typed = {"pulse": 190, "blood_pressure": "118/76", "is_confirmed": True}
    saved = record_vitals(patient.id, encounter_id=encounter.id, **typed, by=person("doctor"))
    assert [each.label for each in to_reading(saved, patient.birth_date).measures if each.is_normal] == []
    for at in (f"/encounters/{encounter.id}", f"/patients/{patient.id}/vitals"):
        page = desk("doctor").get(at)
        assert page.status_code == 200, at
        assert "No vital sign is compared" in page.get_data(as_text=True), at


@pytest.mark.parametrize("name", ["tests.csv", "ranges.csv", "units.csv"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", CUT_AT_LINE])
def test_without_the_lists_of_the_laboratory_its_pages_say_so_and_others_work(
    name, content, desk, program, person, monkeypatch, tmp_path, request
):
    file = shutil.copytree(lab_catalogue.DATA, tmp_path / "data") / name
    spoil(file, content)
    patient = a_patient()
    encounter = an_encounter(person("doctor"), patient, notes="n", no_diagnosis_reason="check")
    monkeypatch.setattr(lab_catalogue, "DATA", file.parent)
    lab_catalogue._read_tests.cache_clear()
    request.addfinalizer(lab_catalogue._read_tests.cache_clear)
    refused = [desk("doctor").get("/lab/tests?q=hb"), program("doctor").get("/api/lab_tests/catalog/")]
    assert [answer.status_code for answer in refused] == [503, 503]
    assert all("laboratory tests cannot be read" in answer.get_data(as_text=True) for answer in refused)
    assert desk("doctor").get(f"/encounters/{encounter.id}").status_code == 200
    assert desk("doctor").get(f"/patients/{patient.id}").status_code == 200


@pytest.mark.parametrize("content", [None, b"", CUT_OFF, CUT_AT_LINE])
def test_without_the_list_of_vital_signs_their_pages_say_so_and_others_work(
    content, desk, program, monkeypatch, tmp_path, request
):
    file = shutil.copytree(vitals_rules.DATA, tmp_path / "data") / "vitals.csv"
    spoil(file, content)
    patient = a_patient()
    monkeypatch.setattr(vitals_rules, "DATA", file.parent)
    vitals_rules._read_vitals.cache_clear()
    request.addfinalizer(vitals_rules._read_vitals.cache_clear)
    refused = desk("nurse").get(f"/patients/{patient.id}/vitals")
    assert refused.status_code == 503
    assert "list of vital signs cannot be read" in refused.get_data(as_text=True)
    for role, at in (("receptionist", "/patients/"), ("cashier", "/billing/"), ("pharmacist", "/pharmacy/")):
        assert desk(role).get(at).status_code == 200
    assert program("receptionist").get("/api/patients/").status_code == 200


@pytest.mark.parametrize(
    ("last", "encoding"), [("# 2 rows", "utf-8"), ('"# 2 rows",,', "utf-8-sig"), ("# 2 rows;;", "utf-8")]
)
def test_a_list_ends_with_its_number_of_rows(tmp_path, last, encoding):
    file = tmp_path / "list.csv"
    file.write_text(f"name,word\na,1\nb,2\n{last}\n", encoding=encoding)
    assert data_files.read_complete_rows(file) == [{"name": "a", "word": "1"}, {"name": "b", "word": "2"}]
    for cut in ("name,word\na,1\nb,2\n", f"name,word\na,1\n{last}\n", f"name,word\na,1\nb,2\n{last}"):
        file.write_text(cut, encoding="utf-8")
        with pytest.raises(ValueError, match="rows"):
            data_files.read_complete_rows(file)
