"""Prescribing: doses, supply, safety alerts and missing facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hms.clinical import signing, withdrawal
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.formulary.medicines import queries as formulary
from hms.patients.allergies import actions as patients
from tests.clinical.factories import a_patient, allergic, an_encounter, born, signed
from tests.formulary.factories import load, medicine


@pytest.fixture(autouse=True)
def medicines(db):
    load()


def choice(text: str) -> int:
    """The id of the first complete dose for a search text."""
    return int(formulary.list_choices(text)[0].value.removeprefix("s:"))


def fired(line, tier: str) -> list[str]:
    return [a["message"] for check in line.checks["checks"] for a in check["alerts"] if a["tier"] == tier]


def test_a_complete_dose_fills_the_line(db, person):
    encounter = an_encounter(person("doctor"))
    line = prescription_actions.prescribe(encounter.id, sentence_id=choice("amoxicillin 500"), by=person("doctor"))
    assert line.medication_name == "amoxicillin 500 mg capsule"
    assert (line.dosage.replace("\u00a0", " "), line.frequency) == ("500 mg", "three times a day")
    assert line.quantity == 3 * line.days
    assert line.status == "draft"


def test_dose_texts_are_parsed_when_they_are_clear(db, person):
    encounter = an_encounter(person("doctor"))
    line = prescription_actions.prescribe(
        encounter.id,
        medication_name="Amoxicillin",
        dosage="500mg",
        frequency="3x daily",
        duration="7 days",
        by=person("doctor"),
    )
    assert line.medication_id == medicine("amoxicillin-500-mg-capsule").id
    assert (line.medication_name, line.dosage, line.frequency, line.duration) == (
        "Amoxicillin",
        "500mg",
        "3x daily",
        "7 days",
    )
    assert (line.days, line.quantity) == (7, 21)


def test_a_medicine_outside_the_formulary_is_marked_as_not_checked(db, person):
    encounter = an_encounter(person("doctor"))
    line = prescription_actions.prescribe(
        encounter.id, medication_name="Bitter root tea", dosage="1 cup", by=person("doctor")
    )
    assert line.medication_id is None
    assert "could_not_run" in {check["outcome"] for check in line.checks["checks"]}
    assert any("not in the formulary" in check["missing"] for check in line.checks["checks"])


def test_a_recorded_allergy_needs_a_reason(db, person):
    doctor = person("doctor")
    patient = a_patient()
    allergic(patient)
    encounter = an_encounter(doctor, patient)
    wanted = choice("amoxicillin 500")
    with pytest.raises(RuleBroken, match="anaphylaxis") as refused:
        prescription_actions.prescribe(encounter.id, sentence_id=wanted, by=doctor)
    assert refused.value.field == "override_reason"
    with pytest.raises(RuleBroken, match="at least 5"):
        prescription_actions.prescribe(encounter.id, sentence_id=wanted, override_code="other", by=doctor)
    line = prescription_actions.prescribe(
        encounter.id, sentence_id=wanted, override_code="tolerated_before", override_reason="Took it in May", by=doctor
    )
    assert (line.override_code, line.override_reason) == ("tolerated_before", "Took it in May")
    assert any("anaphylaxis" in message for message in fired(line, "stop"))
    assert line.checks["version"]


def test_a_reason_without_an_alert_is_not_saved(db, person):
    encounter = an_encounter(person("doctor"), a_patient())
    line = prescription_actions.prescribe(
        encounter.id,
        sentence_id=choice("amlodipine"),
        override_code="other",
        override_reason="no need",
        by=person("doctor"),
    )
    assert (line.override_code, line.override_reason) == ("", "")


def test_the_same_medicine_twice_and_interactions_are_cautioned(db, person):
    doctor = person("doctor")
    encounter = an_encounter(doctor)
    prescription_actions.prescribe(encounter.id, sentence_id=choice("ibuprofen"), by=doctor)
    again = prescription_actions.prescribe(encounter.id, sentence_id=choice("diclofenac"), by=doctor)
    assert fired(again, "caution")


def test_earlier_signed_medicines_are_current(db, person):
    doctor = person("doctor")
    patient = a_patient()
    first = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
    prescription_actions.prescribe(first.id, sentence_id=choice("ibuprofen"), by=doctor)
    signing.sign(first.id, by=doctor)
    second = encounter_actions.start_encounter(patient_id=patient.id, by=doctor)
    line = prescription_actions.prescribe(second.id, sentence_id=choice("diclofenac"), by=doctor)
    assert any("ibuprofen" in message for message in fired(line, "caution"))


@pytest.mark.parametrize(("days_ago", "is_renewal"), [(28, True), (3, False)])
def test_a_course_that_is_ending_may_be_renewed(db, person, days_ago, is_renewal):
    doctor = person("doctor")
    patient = a_patient()
    first = signed(doctor, patient)
    with action_context("tests.earlier", SYSTEM):
        earlier = {"status": "completed", "signed_at": clock.now() - timedelta(days=days_ago), "days": 30}
        dose = {"dose_amount": 10, "dose_unit": "mg", "route": "oral", "frequency_code": "once_daily"}
        product = medicine("amlodipine-10-mg-tablet")
        db.session.add(
            Prescription(
                patient_id=patient.id,
                encounter_id=first.id,
                medication_id=product.id,
                medication_name=product.name,
                **earlier,
                **dose,
            )
        )
    again = {"medication_id": product.id, "dosage": "10 mg", "frequency": "once a day", "duration": "30 days"}
    second = encounter_actions.start_encounter(patient_id=patient.id, by=doctor)
    if is_renewal:
        assert fired(prescription_actions.prescribe(second.id, **again, by=doctor), "caution") == []
    else:
        with pytest.raises(RuleBroken, match="daily maximum"):
            prescription_actions.prescribe(second.id, **again, by=doctor)


def test_more_than_the_daily_maximum_is_a_serious_alert(db, person):
    encounter = an_encounter(person("doctor"))
    with pytest.raises(RuleBroken, match="daily maximum"):
        prescription_actions.prescribe(
            encounter.id,
            medication_id=medicine("paracetamol-500-mg-tablet").id,
            dosage="2 g",
            frequency="four times a day",
            by=person("doctor"),
        )


def test_a_child_without_a_weight_is_marked_as_not_checked(db, person):
    encounter = an_encounter(person("doctor"), a_patient(given_names="Ali", birth_date=born(4)))
    line = prescription_actions.prescribe(encounter.id, sentence_id=choice("paracetamol 120"), by=person("doctor"))
    assert any("Weigh the child" in check["missing"] for check in line.checks["checks"])


def test_an_allergy_recorded_later_is_checked_at_signing(db, person):
    doctor = person("doctor")
    patient = a_patient()
    patients.confirm_no_allergies(patient.id, by=SYSTEM)
    encounter = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
    line = prescription_actions.prescribe(encounter.id, sentence_id=choice("amoxicillin 500"), by=doctor)
    allergic(patient)
    with pytest.raises(RuleBroken, match="anaphylaxis") as refused:
        signing.sign(encounter.id, by=doctor)
    assert refused.value.field == "override_reason"
    prescription_actions.remove_prescription(line.id, by=doctor)
    assert signing.sign(encounter.id, by=doctor).status == "signed"
    assert line.status == "entered_in_error"


def test_a_line_for_a_signed_encounter_is_active_at_once(db, person):
    encounter = signed(person("doctor"))
    line = prescription_actions.prescribe(encounter.id, sentence_id=choice("amlodipine"), by=person("doctor"))
    assert line.status == "active"
    assert line.signed_at is not None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "medication_name"),
        ({"medication_name": " "}, "medication_name"),
        ({"medication_name": "x" * 256}, "medication_name"),
        ({"medication_name": "a\x00b"}, "medication_name"),
        ({"medication_id": 10**15}, "medication"),
        ({"sentence_id": 10**15}, "medication_name"),
        ({"medication_name": "Honey", "dosage": "x" * 101}, "dosage"),
        ({"medication_name": "Honey", "quantity": 0}, "quantity"),
        ({"medication_name": "Honey", "quantity": 10**9}, "quantity"),
        ({"medication_name": "Honey", "instructions": "x" * 2001}, "instructions"),
    ],
)
def test_a_wrong_order_is_refused_at_its_field(db, person, fields, field):
    encounter = an_encounter(person("doctor"))
    with pytest.raises(RuleBroken) as refused:
        prescription_actions.prescribe(encounter.id, **fields, by=person("doctor"))
    assert refused.value.field == field


def test_only_the_encounters_doctor_prescribes_in_it(db, person):
    encounter = an_encounter(person("doctor"))
    for role in ("nurse", "pharmacist", "admin"):
        with pytest.raises(NotAllowed):
            prescription_actions.prescribe(encounter.id, medication_name="Honey", by=person(role))
    with pytest.raises(NotAllowed):
        prescription_actions.prescribe(encounter.id, medication_name="Honey", by=SYSTEM)


def test_nothing_is_prescribed_in_a_withdrawn_encounter(db, person):
    encounter = an_encounter(person("doctor"))
    withdrawal.withdraw_encounter(encounter.id, by=person("admin"))
    with pytest.raises(Conflict):
        prescription_actions.prescribe(encounter.id, medication_name="Honey", by=person("doctor"))
