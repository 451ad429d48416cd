"""A later import: only what the source changed, and only where it may change."""

from __future__ import annotations

import gzip

import pytest
from sqlalchemy import func, select

from hms.clinical.models import Condition, Encounter, Immunization, Prescription
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.interop.fhir_import import importer, resource_types
from hms.patients.merging import actions as merge_actions
from hms.patients.models import Allergy, Patient
from hms.patients.records import actions as patients
from tests.interop.factories import export, imported, patient, resource_of_patient

pytestmark = pytest.mark.usefixtures("db")
HOME = [{"text": "4 Kissy Road"}]
VISIT = {"status": "finished", "class": {"code": "AMB"}, "period": {"start": "2023-03-01T09:00:00Z"}}
IN_ERROR = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}


def outcomes(summary):
    return {name: dict(counts) for name, counts in summary.counts.items() if counts}


def the(model):
    return database.session.execute(select(model.__table__)).one()


def test_a_change_of_the_source_is_imported(tmp_path):
    imported(export(tmp_path, patient()))
    summary, _ = imported(export(tmp_path, patient(gender="female", birthDate="1990-01-02")))
    assert outcomes(summary) == {"Patient": {"updated": 1}}
    assert (the(Patient).sex, str(the(Patient).birth_date), the(Patient).version) == ("female", "1990-01-02", 2)


LESS_KNOWN = [
    {"birthDate": "1990"},
    {"birthDate": None},
    {"gender": "unknown"},
    {"gender": None},
    {"name": [{"family": "Kargbo"}]},
    {"name": [{"given": ["FATMATA"], "family": "KARGBO"}]},
    {"name": [{"given": ["Kargbo"], "family": "Fatmata"}]},
]


@pytest.mark.parametrize("less", LESS_KNOWN)
def test_what_is_known_of_an_identity_is_not_taken_away(tmp_path, less):
    known = patient(gender="female", birthDate="1990-01-02")
    imported(export(tmp_path, known))
    sent = {name: value for name, value in (known | less).items() if value is not None}
    for _time in range(2):
        summary, _ = imported(export(tmp_path, sent | {"address": HOME}))
    assert outcomes(summary) == {"Patient": {"unchanged": 1}}
    row = the(Patient)
    assert (row.given_names, row.family_name, row.sex) == ("Fatmata", "Kargbo", "female")
    assert (str(row.birth_date), row.birth_is_estimated, row.address) == ("1990-01-02", False, "4 Kissy Road")


def test_a_correction_made_here_survives_an_old_file(tmp_path):
    old = export(tmp_path, patient())
    imported(old)
    patients.update_patient(the(Patient).id, phone="076 123 476", given_names="Fatu", by=SYSTEM)
    summary, _ = imported(old)
    assert outcomes(summary) == {"Patient": {"unchanged": 1}}
    imported(export(tmp_path, patient(gender="female")))
    assert (the(Patient).given_names, the(Patient).sex) == ("Fatu", "female")


def test_a_signed_visit_stays_and_the_change_is_reported(tmp_path):
    imported(export(tmp_path, patient(), resource_of_patient("Encounter", "e", **VISIT)))
    later = export(tmp_path, resource_of_patient("Encounter", "e", **VISIT, reasonCode=[{"text": "Cough"}]))
    summary, told = imported(later)
    assert outcomes(summary) == {"Encounter": {"skipped": 1}}
    assert told == [
        f"{later}:1: Encounter/e was skipped: it changed where it comes from, but a signed visit is final here; "
        "it was left as it is."
    ]
    assert the(Encounter).chief_complaint == ""


def test_what_the_source_took_back_is_marked_or_removed(tmp_path):
    condition, allergy = {"code": {"text": "Gout"}}, {"code": {"text": "Penicillin"}}
    vaccine = {"status": "completed", "vaccineCode": {"text": "MMR"}}
    imported(
        export(
            tmp_path,
            patient(),
            resource_of_patient("Encounter", "e", **VISIT),
            resource_of_patient("Condition", "c", **condition),
            resource_of_patient("AllergyIntolerance", "a", **allergy),
            resource_of_patient("Immunization", "i", **vaccine),
        )
    )
    assert the(Patient).allergy_status == "known"
    back = export(
        tmp_path,
        resource_of_patient("Encounter", "e", status="entered-in-error"),
        resource_of_patient("Condition", "c", **condition, **IN_ERROR),
        resource_of_patient("AllergyIntolerance", "a", **allergy, **IN_ERROR),
        resource_of_patient("Immunization", "i", status="entered-in-error"),
    )
    summary, _ = imported(back)
    assert outcomes(summary) == {
        kind: {"updated": 1} for kind in ("Encounter", "Condition", "AllergyIntolerance", "Immunization")
    }
    assert {the(model).status for model in (Encounter, Condition, Allergy)} == {"entered_in_error"}
    assert database.session.scalar(select(func.count()).select_from(Immunization)) == 0
    assert the(Patient).allergy_status == "not_asked"
    assert outcomes(imported(back)[0])["Encounter"] == {"unchanged": 1}


def test_a_visit_that_comes_later_is_joined_to_what_was_about_it(tmp_path):
    condition = resource_of_patient("Condition", "c", code={"text": "Gout"}, encounter={"reference": "Encounter/e"})
    imported(export(tmp_path, patient(), condition))
    assert the(Condition).encounter_id is None
    summary, _ = imported(export(tmp_path, condition, resource_of_patient("Encounter", "e", **VISIT)))
    assert outcomes(summary) == {"Condition": {"updated": 1}, "Encounter": {"created": 1}}
    assert the(Condition).encounter_id == the(Encounter).id
    alone, _ = imported(export(tmp_path, condition))
    assert outcomes(alone) == {"Condition": {"unchanged": 1}}


def test_two_states_of_one_resource_in_a_file_end_with_the_later(tmp_path):
    summary, _ = imported(export(tmp_path, patient(gender="female"), patient(gender="female", address=HOME)))
    assert outcomes(summary) == {"Patient": {"created": 1, "updated": 1}}
    assert the(Patient).address == "4 Kissy Road"


def test_a_row_that_the_database_refuses_does_not_lose_its_batch(tmp_path, monkeypatch):
    kind = resource_types.BY_NAME["Condition"]
    read = kind.read

    def with_a_fault(resource, names):
        return read(resource, names) | ({"title": " "} if resource["id"] == "c7" else {})

    object.__setattr__(kind, "read", with_a_fault)
    monkeypatch.setattr(importer, "BATCH", 10)
    try:
        rows = [resource_of_patient("Condition", f"c{n}", code={"text": "Gout"}) for n in range(25)]
        summary, told = imported(export(tmp_path, patient(), *rows))
    finally:
        object.__setattr__(kind, "read", read)
    assert outcomes(summary)["Condition"] == {"created": 24, "skipped": 1}
    assert len(told) == 1
    assert "Condition/c7 was skipped" in told[0]


def test_the_records_of_a_merged_patient_go_to_the_one_that_is_kept(tmp_path, person):
    imported(export(tmp_path, patient("p1"), patient("p2")))
    ids = dict(database.session.execute(select(Patient.external_id, Patient.id)).all())
    asked = merge_actions.request_merge(
        ids["Patient/p1"], ids["Patient/p2"], reason="Registered twice", by=person("receptionist")
    )
    merge_actions.approve(asked.id, by=person("admin"))
    imported(export(tmp_path, resource_of_patient("Condition", "c", "p2", code={"text": "Gout"})))
    assert the(Condition).patient_id == ids["Patient/p1"]


def test_files_may_come_in_any_order_and_compressed(tmp_path):
    order = resource_of_patient(
        "MedicationRequest", "m", medicationCodeableConcept={"text": "Aspirin"}, status="active"
    )
    plain = export(tmp_path, order, name="later.txt")
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes()))
    export(tmp_path, patient(), name="z.jsonl")
    summary, told = imported(tmp_path)
    assert told == []
    assert outcomes(summary) == {"Patient": {"created": 1}, "MedicationRequest": {"created": 1}}
    assert the(Prescription).medication_name == "Aspirin"
