"""What is exported comes back the same: export, import into an empty hospital, export again."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import select, text

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
from hms.patients.consent import actions as consents
from hms.patients.contacts import actions as contacts
from hms.patients.models import AddressArea, OtherPhone, Patient, Relative
from hms.patients.registration import actions as registration_actions
from tests.formulary.factories import load
from tests.interop.factories import HAND_MADE, imported

KEPT = [kind.name for kind in RESOURCE_TYPES]
OWN = ("RelatedPerson", "Consent", "DocumentReference")
"""What goes out and does not come in again as a resource of its own."""


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
    assert counts == {name: len(first[f"{name}.ndjson"]) for name in (*KEPT, *OWN)}
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


@pytest.fixture
def known_well(own_work, person):
    """The patient with a relative who is a patient too, a phone at work, an area and two consents; with these ids."""
    clerk = person("receptionist")
    kin = registration_actions.register_patient(given_names="Isatu", family_name="Kamara", sex="female", by=SYSTEM)
    contacts.save_relative(
        own_work.id, name="Isatu Kamara", relation="mother", phone="077 550 318", record_id=kin.id, by=clerk
    )
    contacts.save_phone(own_work.id, number="078 300 412", owner="work", label="Market", by=clerk)
    area = AddressArea(level=1, level_name="District", path="Western › Freetown")
    with action_context("tests.area", SYSTEM):
        database.session.add(area)
        database.session.flush()
        own_work.area_id = area.id
    kind = consents.save_kind(name="Treatment", by=person("admin"))
    words = consents.write_text(kind.id, language="en", title="Consent", body="I agree.", by=person("admin"))
    values = {"text_id": words.id, "decided_on": clock.today(), "by": clerk}
    consents.record_consent(own_work.id, decision="given", **values)
    consents.record_consent(own_work.id, decision="refused", **values)
    return own_work, kin.id, area.id


def test_relatives_phones_area_and_consents_go_out_and_come_in_with_the_patient(known_well, tmp_path):
    _patient, kin_id, area_id = known_well
    export(tmp_path)
    first = files(tmp_path)
    told = next(json.loads(line) for line in first["Patient.ndjson"] if "Kadiatu" in line)
    assert [phone["value"] for phone in told["telecom"]] == ["+23276123476", "+23278300412"]
    assert told["address"][0]["district"] == "Western › Freetown"
    assert told["contact"][0]["relationship"][0]["coding"][0]["code"] == "MTH"
    (relative,) = (json.loads(line) for line in first["RelatedPerson.ndjson"])
    assert relative["patient"]["reference"] == f"Patient/{told['id']}"
    assert relative["extension"][0]["valueReference"]["reference"].endswith(f"-{kin_id}")
    given, refused = (json.loads(line) for line in first["Consent.ndjson"])
    assert (given["status"], refused["status"], refused["provision"]["type"]) == ("active", "rejected", "deny")
    assert base64.b64decode(given["sourceAttachment"]["data"]) == b"I agree."

    emptied()
    for _time in range(2):
        assert imported(tmp_path)[1] == []
    (back,) = database.session.scalars(select(Patient).filter_by(given_names="Kadiatu"))
    (phone,) = database.session.scalars(select(OtherPhone))
    (mother,) = database.session.scalars(select(Relative))
    assert (back.phone, back.next_of_kin, back.area_id) == ("+23276123476", "", area_id)
    assert (phone.patient_id, phone.number, phone.owner, phone.label) == (back.id, "+23278300412", "work", "Market")
    assert (mother.name, mother.relation, mother.phone) == ("Isatu Kamara", "mother", "+23277550318")


def test_the_command_counts_what_it_wrote(app, own_work, tmp_path):
    done = app.test_cli_runner().invoke(args=["export-fhir", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "AllergyIntolerance: 1\n" in done.stdout
