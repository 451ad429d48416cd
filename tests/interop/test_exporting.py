"""What is exported comes back the same: export, import into an empty hospital, export again."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from hms.clinical import signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.interop import own_ids
from hms.interop.fhir_export.exporter import export
from hms.interop.fhir_import.resource_types import RESOURCE_TYPES
from hms.local.servers.postgres import APPLICATION
from hms.patients.allergies import actions as allergy_actions
from hms.patients.registration import actions as registration_actions
from tests.formulary.factories import load
from tests.interop.factories import HAND_MADE, imported

KEPT = [kind.name for kind in RESOURCE_TYPES]


def files(folder):
    return {path.name: path.read_text(encoding="utf-8").splitlines() for path in folder.iterdir()}


def emptied():
    """The hospital as it was before any patient; only a test can do this."""
    with action_context("tests.empty", SYSTEM):
        database.session.execute(text("RESET ROLE"))
        database.session.execute(text("UPDATE export_name SET code = 'elsewhere'"))
        database.session.execute(text("TRUNCATE patient, source_record, encounter, prescription CASCADE"))
        gone = "UPDATE app_user SET role_id = NULL, external_id = 'gone/' || id, username = 'gone-' || id"
        database.session.execute(text("SET LOCAL session_replication_role = replica"))
        database.session.execute(text(gone))
        database.session.execute(text("SET LOCAL session_replication_role = origin"))
        database.session.execute(text(f"SET ROLE {APPLICATION}"))
    database.session.expire_all()


@pytest.fixture
def own_work(db, person):
    """A patient of our own with an allergy, a signed visit and a prescription."""
    load()
    doctor = person("doctor")
    who = registration_actions.register_patient(
        given_names="Kadiatu",
        family_name="Kamara",
        sex="female",
        phone="076 123 476",
        birth_date=clock.today(),
        by=SYSTEM,
    )
    allergy_actions.record_allergy(who.id, substance="Penicillin", reaction="rash", severity="moderate", by=doctor)
    visit = encounter_actions.start_encounter(patient_id=who.id, by=doctor)
    encounter_actions.save_encounter(visit.id, notes="Fever", chief_complaint="Fever", by=doctor)
    diagnosis_actions.add_condition(visit.id, text="Malaria", by=doctor)
    prescription_actions.prescribe(
        visit.id,
        medication_name="Paracetamol",
        dosage="500 mg",
        frequency="three times a day",
        duration="5 days",
        by=doctor,
    )
    signing.sign(visit.id, override_code="checked_by_hand", by=doctor)
    return who


def test_an_export_comes_back_the_same(own_work, tmp_path):
    imported(HAND_MADE)
    counts = export(tmp_path / "first")
    first = files(tmp_path / "first")
    assert counts == {name: len(first[f"{name}.ndjson"]) for name in (*KEPT, "DocumentReference")}
    assert all(counts[name] for name in KEPT)
    emptied()
    summary, told = imported(tmp_path / "first")
    assert told == []
    assert {name: found["created"] for name, found in summary.counts.items()} == {name: counts[name] for name in KEPT}
    export(tmp_path / "second")
    second = files(tmp_path / "second")
    for name in first:
        assert [one for one in second[name] if json.loads(one)["id"] in ids(first[name])] == first[name], name


def ids(lines):
    return {json.loads(one)["id"] for one in lines}


def test_our_own_records_have_our_number_and_open_ones_stay_at_home(own_work, person, tmp_path):
    encounter_actions.start_encounter(patient_id=own_work.id, is_new=True, by=person("doctor"))
    counts = export(tmp_path)
    told = json.loads((tmp_path / "Patient.ndjson").read_text())
    assert (told["id"], told["identifier"][0]["value"]) == (
        f"hms-{own_ids.code()}-{own_work.id}",
        own_work.hospital_number,
    )
    assert told["name"] == [{"use": "official", "family": "Kamara", "given": ["Kadiatu"]}]
    assert counts["Encounter"] == counts["MedicationRequest"] == 1
    assert (tmp_path / "Patient.ndjson").stat().st_mode & 0o077 == 0


def test_the_command_counts_what_it_wrote(app, own_work, tmp_path):
    done = app.test_cli_runner().invoke(args=["export-fhir", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "AllergyIntolerance: 1\n" in done.stdout
