"""A small export of every kind, written by hand: what each resource becomes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from hms.clinical.models import ICD10, Condition, Encounter, Immunization, Observation, Prescription
from hms.core.db.session import db as database
from hms.patients.models import Allergy, Patient
from hms.staff import directory as staff
from hms.staff.models import User
from tests.interop.factories import HAND_MADE, fingerprints, imported

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def brought_in(db):
    return imported(HAND_MADE)


def one(model, name):
    is_it = func.split_part(model.external_id, " ", 1) == name
    return database.session.scalars(select(model).where(is_it)).unique().one()


def test_the_summary_counts_every_line(brought_in):
    summary, told = brought_in
    counts = {name: dict(count) for name, count in summary.counts.items()}
    assert counts == {
        "Patient": {"created": 3},
        "Practitioner": {"created": 1},
        "Encounter": {"created": 3, "skipped": 1},
        "Condition": {"created": 2, "skipped": 1},
        "AllergyIntolerance": {"created": 3},
        "MedicationRequest": {"created": 4, "skipped": 1},
        "Immunization": {"created": 1, "skipped": 1},
        "Observation": {"created": 5, "skipped": 1},
    }
    assert dict(summary.not_used) == {"Organization": 1, "Medication": 1}
    assert len(told) == 5
    assert f"{HAND_MADE / 'visits.jsonl'}:3: Encounter/e3 was skipped: the visit was only planned" in told[0]


def test_importing_again_changes_nothing(brought_in):
    before = fingerprints()
    summary, _ = imported(HAND_MADE)
    assert fingerprints() == before
    assert all(not counts["created"] and not counts["updated"] for counts in summary.counts.values())


@pytest.mark.usefixtures("brought_in")
class TestPatients:
    def test_the_official_name_and_what_else_is_known(self):
        who = one(Patient, "Patient/mariama")
        assert (who.title, who.given_names, who.family_name, who.sex) == ("Mrs", "Mariama Isatu", "Conteh", "female")
        assert (who.birth_date, who.birth_is_estimated) == (dt.date(1980, 5, 1), True)
        assert (who.phone, who.phone_is_checked, who.email) == ("+23276123476", True, "mariama@example.org")
        assert who.address == "4 Kissy Road, Freetown, SL"
        assert who.next_of_kin == "Aminata Conteh, Sister, 076 555 111"
        assert (who.national_id, who.language) == ("SL-4455667", "Krio")

    def test_each_gets_a_hospital_number_of_ours(self):
        numbers = set(database.session.scalars(select(Patient.hospital_number)))
        assert len(numbers) == 3
        assert all(number.startswith("HMS-") for number in numbers)

    def test_a_single_name_and_a_death_without_a_day(self):
        who = one(Patient, "Patient/jose")
        assert (who.given_names, who.family_name) == ("José Ñandú", "")
        assert (who.deceased_on, who.deceased_text) == (None, "unknown")

    def test_the_allergy_status_follows_the_records(self):
        states = {name: one(Patient, f"Patient/{name}").allergy_status for name in ("mariama", "jose", "baby")}
        assert states == {"mariama": "known", "jose": "none_known", "baby": "not_asked"}

    def test_a_practitioner_cannot_sign_in_nor_be_booked(self):
        who = one(User, "Practitioner/drcole")
        assert who.display_name == "Dr Sia Cole"
        assert (who.is_active, who.role_id, who.password_hash) == (False, None, None)
        assert who.id not in [doctor.id for doctor in staff.doctors()]


@pytest.mark.usefixtures("brought_in")
class TestRecords:
    def test_a_visit_is_final_and_names_its_doctor(self):
        visit = one(Encounter, "Encounter/e1")
        assert visit.status == "signed"
        assert visit.started_at == dt.datetime(2023, 3, 1, 9, 0, tzinfo=dt.UTC)
        assert visit.signed_at == visit.ended_at == dt.datetime(2023, 3, 1, 9, 20, tzinfo=dt.UTC)
        assert (visit.kind, visit.chief_complaint) == ("Outpatient: Encounter for check up", "Fever")
        assert (visit.performer_name, visit.doctor_id) == ("Dr. Sia Cole", one(User, "Practitioner/drcole").id)

    def test_a_doctor_who_is_not_known_keeps_the_name(self):
        visit = one(Encounter, "Encounter/e2")
        assert (visit.performer_name, visit.doctor_id) == ("Dr. Nobody Known", None)
        assert visit.patient_id == one(Patient, "Patient/mariama").id
        assert visit.started_at == dt.datetime(2023, 4, 3, 3, 15, 0, 500_000, tzinfo=dt.UTC)

    def test_icd_10_is_preferred_and_other_lists_are_kept(self):
        malaria, pressure = one(Condition, "Condition/malaria"), one(Condition, "Condition/hypertension")
        assert (malaria.code, malaria.code_system, malaria.title) == ("B54", ICD10, "Malaria")
        assert (malaria.clinical_status, malaria.certainty) == ("resolved", "confirmed")
        assert (malaria.onset_on, malaria.abated_on) == (dt.date(2023, 2, 27), dt.date(2023, 3, 6))
        assert (pressure.code, pressure.code_system) == ("59621000", "http://snomed.info/sct")
        assert (pressure.clinical_status, pressure.certainty, pressure.encounter_id) == ("active", "provisional", None)
        assert pressure.onset_on == dt.date(2019, 1, 1)

    def test_an_allergy_keeps_its_class_reaction_and_worst_severity(self):
        allergy = one(Allergy, "AllergyIntolerance/penicillin")
        assert (allergy.substance, allergy.severity, allergy.status) == ("Penicillin", "severe", "active")
        assert allergy.reaction == "Rash, Swelling of the face"
        assert allergy.class_code

    def test_a_dose_is_structured_where_every_part_is_clear(self):
        order = one(Prescription, "MedicationRequest/amlo")
        assert (order.dosage, order.frequency, order.days, order.quantity) == ("10 mg", "once a day", 30, 30)
        assert (order.dose_amount, order.dose_unit, order.route) == (Decimal(10), "mg", "oral")
        assert order.frequency_code == "once_daily"

    def test_a_dose_without_unit_is_told_in_words_only(self):
        order = one(Prescription, "MedicationRequest/apart")
        assert order.medication_name == "acetaminophen 325 MG Oral Tablet"
        assert (order.dosage, order.frequency) == ("1 at a time", "every 6 hours when required for pain")
        assert (order.dose_amount, order.frequency_code, order.as_needed) == (None, "", True)

    def test_a_contained_medicine_is_named_and_its_words_are_kept(self):
        order = one(Prescription, "MedicationRequest/inside")
        assert order.medication_name == "artemether 20 mg + lumefantrine 120 mg tablet"
        assert order.instructions == "4 tablets twice a day with food Finish the course."

    def test_no_order_is_signed_here(self):
        states = {order.external_id.split()[0]: order for order in database.session.scalars(select(Prescription))}
        assert {order.signed_at for order in states.values()} == {None}
        assert states["MedicationRequest/amlo"].status == "active"
        held = states["MedicationRequest/held"]
        assert (held.status, held.status_reason) == ("stopped", "On hold where it was prescribed")

    def test_vaccines_by_their_cvx_code(self):
        given = one(Immunization, "Immunization/mmr")
        assert (given.vaccine, given.code, given.code_system) == ("MMR", "03", "http://hl7.org/fhir/sid/cvx")
        assert (given.given_on, given.dose_number) == (dt.date(2025, 3, 1), "1")

    @pytest.mark.parametrize(
        ("name", "value", "unit"),
        [
            ("weight", "68.5", "kg"),
            ("bp", "131/84", "mm[Hg]"),
            ("smoking", "Never smoked", ""),
            ("note", "Ring forms seen", ""),
            ("panel", "Sleeps well: no; Pain: 3", ""),
        ],
    )
    def test_observations_keep_value_and_unit(self, name, value, unit):
        found = one(Observation, f"Observation/{name}")
        assert (found.value, found.unit) == (value, unit)
