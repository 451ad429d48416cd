"""Lines that cannot be used: each is reported with file and line, and the rest is loaded."""

from __future__ import annotations

import gzip
import json

import pytest
from sqlalchemy import func, select

from hms.clinical.models import Condition
from hms.core.db.session import db as database
from hms.interop.fhir import files
from hms.patients.models import Patient
from tests.interop.factories import export, imported, patient, resource_of_patient

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.security("K")]
GOUT = {"code": {"text": "Gout"}}
NAME = [{"family": "Kargbo"}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{not json", "it is not JSON, or not all of one resource."),
        ('{"resourceType":"Patient","id":"x"', "it is not JSON, or not all of one resource."),
        ("[1, 2]", "it is JSON, but not a resource."),
        ("null", "it is JSON, but not a resource."),
        ('{"id": "x"}', "it does not say what it is (resourceType)."),
        ('{"resourceType": ["Patient"]}', "it does not say what it is (resourceType)."),
        ('{"resourceType": "Pa\\u001b[2Jtient"}', "it does not say what it is (resourceType)."),
        (b'{"resourceType":"Patient","id":"\xff\xfe"}', "it is not UTF-8 text."),
        ("[" * 200_000, "it is nested too deeply."),
        ('{"resourceType":"Patient","id":"a","id":"b"}', "it gives the same name twice in one object"),
        ('{"resourceType":"Observation","id":"o","valueInteger":NaN}', "it holds NaN"),
        ('{"resourceType":"Observation","n":' + "9" * 10_000 + "}", "it is not JSON, or not all of one resource."),
        ('{"resourceType":"Observation","n":1e' + "9" * 40 + "}", "it is not JSON, or not all of one resource."),
    ],
)
def test_an_invalid_line_is_reported_by_file_and_line(tmp_path, line, why):
    path = export(tmp_path, patient(), line, resource_of_patient("Condition", "c", **GOUT))
    summary, told = imported(path)
    assert len(told) == 1
    assert told[0].startswith(f"{path}:2: {why}")
    assert (summary.unreadable, summary.found) == (1, 2)
    assert database.session.scalar(select(func.count()).select_from(Condition)) == 1


def condition(**more):
    return resource_of_patient("Condition", "c", **(GOUT | more))


def observation(**value):
    return resource_of_patient("Observation", "o", code={"text": "Pulse"}, **value)


def visit(**more):
    return resource_of_patient("Encounter", "e", status="finished", period={"start": "2023-01-01T10:00:00Z"}) | more


def order(**more):
    return (
        resource_of_patient("MedicationRequest", "m", status="active", medicationCodeableConcept={"text": "Aspirin"})
        | more
    )


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (patient("p2", name="Kargbo"), "“name” is not a list."),
        (patient("p2", name=["Kargbo"]), "“name” is not a list of objects."),
        (patient("p2", name=[{"family": 7}]), "“family” is not text."),
        (patient("p2", name=[{"family": "Kar\x00gbo"}]), "“family” holds characters that cannot be shown."),
        (patient("p2", name=[{"family": "a\u202eb"}]), "“family” holds characters that cannot be shown."),
        (patient("p2", name=[{"family": "a\ud800b"}]), "“family” holds characters that cannot be shown."),
        (patient("p2", name=[{"family": "K" * 101}]), "its name cannot be saved: Use at most 100 characters"),
        (patient("p2", gender="woman?"), "“gender” must be female, male, other or unknown."),
        (patient("p2", gender=["female"]), "“gender” is not text."),
        (patient("p2", birthDate="1990-02-30"), "“birthDate” is not a possible date."),
        (patient("p2", birthDate="2990-01-01"), "“birthDate” is not a possible date."),
        (patient("p2", birthDate="1799"), "“birthDate” is not a possible date."),
        (patient("p2", birthDate="1850-01-01"), "“birthDate” is not a possible date of birth."),
        (patient("p2", birthDate=19900101), "“birthDate” is not a possible date."),
        (patient("p2", birthDate="١٩٩٠"), "“birthDate” is not a possible date."),
        (patient("p2", birthDate="1990", deceasedDateTime="1980"), "“deceasedDateTime” is not a possible day of death."),
        (patient("p2", telecom={"value": "1"}), "“telecom” is not a list."),
        (patient("p2", active=False), "the record is no longer in use where it comes from."),
        (patient("../../etc"), "it has no usable id."),
        (patient(None), "it has no usable id."),
        (patient("x" * 65), "it has no usable id."),
        ({"resourceType": "Practitioner", "id": "d"}, "it has no name."),
        (condition(subject=None), "it does not say which patient it is about."),
        (condition(subject={"reference": "Group/7"}), "it does not say which patient it is about."),
        (condition(subject={"reference": "Patient/nobody"}), "it is about Patient/nobody, who is neither in these"),
        (condition(subject={"reference": "Patient/; DROP TABLE"}), "“subject” holds a reference that cannot be read."),
        (condition(subject="Patient/p1"), "“subject” is not an object."),
        (condition(code=None), "it does not name the diagnosis."),
        (condition(code={"coding": [{"code": "x" * 300}]}), "“code” is too long for a code."),
        (condition(onsetDateTime="yesterday"), "“onsetDateTime” is not a possible date."),
        (condition(onsetDateTime="2020", abatementDateTime="2019"), "it ends before it begins."),
        (visit(period={"start": "2023-01-01T25:00:00Z"}), "“start” is not a possible date."),
        (visit(period={"start": "2199-01-01"}), "“start” lies in the future."),
        (visit(period={"start": "2023-01-02", "end": "2023-01-01"}), "the visit ends before it begins."),
        (visit(participant=[{"individual": {"reference": "!!"}}]), "“individual” holds a reference that cannot be read."),
        (order(status="whenever"), "“status” is not known."),
        (order(doNotPerform="yes"), "“doNotPerform” is neither true nor false."),
        (order(medicationCodeableConcept=None), "it does not name the medicine."),
        (order(dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": "1"}}]}]), "“value” is not a number."),
        (order(dispenseRequest={"quantity": {"value": True}}), "“value” is not a number."),
        (observation(), "it has no value."),
        (observation(valueQuantity={"value": 10**400}), "“value” is too large or too small to be true."),
        (observation(valueQuantity={"value": 1e-300}), "“value” is too large or too small to be true."),
        (observation(valueString={"a": 1}), "“valueString” is not text."),
        (resource_of_patient("AllergyIntolerance", "a"), "it does not say what the patient reacts to."),
        (resource_of_patient("Immunization", "i", vaccineCode={"text": "Polio"}, status="not-done"),
         "the vaccine was not given."),
    ],
)  # fmt: skip
def test_a_resource_that_cannot_be_mapped_is_reported_and_skipped(tmp_path, resource, why):
    path = export(tmp_path, resource, patient())
    summary, told = imported(path)
    assert len(told) == 1
    assert told[0].startswith(f"{path}:1: {resource['resourceType']}")
    assert f" was skipped: {why}" in told[0]
    assert summary.counts[resource["resourceType"]]["skipped"] == 1
    assert database.session.scalar(select(func.count()).select_from(Patient)) == 1


def test_a_subset_without_its_patients_is_skipped_line_by_line(tmp_path):
    path = export(tmp_path, *(resource_of_patient("Condition", f"c{n}", **GOUT) for n in range(3)))
    summary, told = imported(path)
    assert dict(summary.counts["Condition"]) == {"skipped": 3}
    assert [line.split(" was ")[0] for line in told] == [f"{path}:{n + 1}: Condition/c{n}" for n in range(3)]


def test_marks_of_other_systems_do_no_harm(tmp_path):
    lines = b"\xef\xbb\xbf" + json.dumps(patient()).encode() + b"\r\n\r\n   \n" + json.dumps(patient("p2")).encode()
    (tmp_path / "Patient.ndjson").write_bytes(lines)
    summary, told = imported(tmp_path)
    assert (told, dict(summary.counts["Patient"])) == ([], {"created": 2})


def test_a_line_of_ten_megabytes_is_read(tmp_path):
    photo = {"contentType": "image/jpeg", "data": "A" * 10_000_000}
    summary, told = imported(export(tmp_path, patient(photo=[photo]), resource_of_patient("Condition", "c", **GOUT)))
    assert (told, summary.found) == ([], 2)


def test_a_line_without_end_is_read_past(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_LINE_LENGTH", 1000)
    path = export(tmp_path, "x" * 5000, patient())
    summary, told = imported(path)
    assert told == [f"{path}:1: the line is longer than 32 MB."]
    assert dict(summary.counts["Patient"]) == {"created": 1}


def test_a_long_text_is_shortened_and_a_deep_one_is_ignored_where_it_is_not_used(tmp_path):
    deep = json.loads("[" * 500 + "]" * 500)
    imported(
        export(tmp_path, patient(extension=deep), resource_of_patient("Condition", "c", code={"text": "Gout " * 1000}))
    )
    title = database.session.scalar(select(Condition.title))
    assert len(title) <= 500
    assert title.endswith("…")


def test_a_damaged_archive_gives_what_can_be_read(tmp_path):
    whole = gzip.compress("\n".join(json.dumps(patient(f"p{n}")) for n in range(2000)).encode())
    (tmp_path / "Patient.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    summary, told = imported(tmp_path)
    assert len(told) == 1 or "damaged" in told[-1]
    assert summary.counts["Patient"]["created"] > 100
