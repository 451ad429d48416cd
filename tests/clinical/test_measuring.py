"""Record, confirm and correct vital signs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from hms.clinical.models import VitalsReading
from hms.clinical.vitals import actions, readings
from hms.core import clock
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from tests.clinical.factories import a_patient, an_encounter, born, waiting

NORMAL = {
    "temperature": "36,8",
    "blood_pressure": "118/76",
    "heart_rate": "72",
    "respiratory_rate": "16",
    "oxygen_saturation": "97",
    "weight": "62",
    "height": "164",
}


def test_values_are_saved_as_typed(db, person):
    reading = actions.record_vitals(a_patient().id, **NORMAL, by=person("nurse"))
    assert reading.temperature == Decimal("36.8")
    assert (reading.systolic, reading.diastolic, reading.pulse) == (118, 76, 72)
    assert reading.taken_by_id == person("nurse").id


def test_a_single_value_is_enough(db, person):
    assert actions.record_vitals(a_patient().id, weight=62.5, by=person("nurse")).weight == Decimal("62.5")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "temperature"),
        ({"temperature": "375"}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": "36.85"}, "temperature"),
        ({"temperature": "NaN"}, "temperature"),
        ({"blood_pressure": "76/118"}, "blood_pressure"),
        ({"blood_pressure": "118"}, "blood_pressure"),
        ({"diastolic_bp": "80"}, "diastolic_bp"),
        ({"oxygen_saturation": "101"}, "oxygen_saturation"),
        ({"heart_rate": "9999999999999"}, "heart_rate"),
        ({"weight": "-3"}, "weight"),
        ({"pain": "11"}, "pain"),
        ({"temperature": "37", "consciousness": "asleep"}, "consciousness"),
        ({"temperature": "37", "note": "x" * 501}, "note"),
    ],
)
def test_an_impossible_value_is_refused_at_its_field(db, person, typed, field):
    patient = a_patient()
    with pytest.raises(RuleBroken) as refused:
        actions.record_vitals(patient.id, **typed, by=person("nurse"))
    assert refused.value.field == field
    assert db.session.scalars(select(VitalsReading)).all() == []


def test_alarming_values_are_saved_after_confirmation(db, person):
    patient = a_patient()
    with pytest.raises(actions.Unconfirmed) as refusal:
        actions.record_vitals(patient.id, temperature="41.2", by=person("nurse"))
    assert [warning.key for warning in refusal.value.warnings] == ["temperature"]
    assert actions.record_vitals(patient.id, temperature="41.2", is_confirmed=True, by=person("nurse")).id


def test_a_sudden_weight_needs_confirmation(db, person):
    patient = a_patient()
    actions.record_vitals(patient.id, weight="60", taken_at=clock.now() - timedelta(days=10), by=person("nurse"))
    with pytest.raises(actions.Unconfirmed, match="more than on"):
        actions.record_vitals(patient.id, weight="70", by=person("nurse"))


def test_own_values_are_corrected_within_a_day_and_the_old_ones_stay(db, person):
    nurse = person("nurse")
    old = actions.record_vitals(a_patient().id, weight="62", by=nurse)
    with pytest.raises(RuleBroken):
        actions.correct_vitals(old.id, reason="", weight="26", by=nurse)
    with pytest.raises(NotAllowed):
        actions.correct_vitals(old.id, reason="typing error", weight="61", by=person("doctor"))
    new = actions.correct_vitals(old.id, reason="typing error", weight="61", by=nurse)
    assert (old.status, old.status_reason, old.weight) == ("entered_in_error", "typing error", Decimal("62"))
    assert (new.weight, new.taken_at) == (Decimal("61"), old.taken_at)
    with pytest.raises(Conflict):
        actions.correct_vitals(old.id, reason="again", weight="60", by=nurse)


def test_yesterdays_values_are_not_corrected(db, person):
    nurse = person("nurse")
    old = actions.record_vitals(a_patient().id, weight="62", taken_at=clock.now() - timedelta(hours=25), by=nurse)
    with pytest.raises(NotAllowed):
        actions.correct_vitals(old.id, reason="typing error", weight="61", by=nurse)


@pytest.mark.parametrize("role", ["receptionist", "pharmacist", "cashier", "lab", "admin"])
def test_only_nurses_and_doctors_record_vitals(db, person, role):
    patient = a_patient()
    with pytest.raises(NotAllowed):
        actions.record_vitals(patient.id, weight="62", by=person(role))


def test_ids_of_another_patient_are_refused(db, person):
    entry = waiting(a_patient())
    other = a_patient(given_names="Fatu", family_name="Sesay")
    encounter = an_encounter(person("doctor"), other)
    for named in ({"queue_entry_id": entry.id}, {"encounter_id": encounter.id}):
        patient = other.id if "queue_entry_id" in named else entry.patient_id
        with pytest.raises(RuleBroken, match="belongs to another patient") as refusal:
            actions.record_vitals(patient, weight="62", **named, by=person("nurse"))
        assert (refusal.value.field, refusal.value.code) in (("entry", "other_patient"), ("encounter", "other_patient"))


def test_a_reading_is_shown_with_flags_and_score(db, person):
    patient = a_patient()
    row = actions.record_vitals(
        patient.id, **NORMAL | {"temperature": "38.6"}, on_oxygen=False, consciousness="alert", by=person("nurse")
    )
    seen = readings.to_reading(row, patient.birth_date)
    assert [(m.label, m.flag.word) for m in seen.flagged] == [("T", "High")]
    assert seen.bmi.startswith("23.1")
    assert seen.news2.total == 1
    child = readings.to_reading(row, born(8))
    assert child.news2 is None
    assert "16 years" in str(child.news2_gap)


INFANT = "0.4106"
MEANINGS = [
    ("35", {"temperature": "38,6"}, "temperature", "High (36.1–38.0)", "high"),
    ("35", {"temperature": "36.8"}, "temperature", "Normal (36.1–38.0)", "normal"),
    ("35", {"temperature": "3"}, "temperature", "Temperature must be between 25 and 45 °C.", "wrong"),
    (INFANT, {"pulse": "74"}, "pulse", "Critical low (110–160)", "critical"),
    (INFANT, {"respiratory_rate": "16"}, "respiratory_rate", "Critical low (25–49)", "critical"),
    ("", {"pulse": "120"}, "pulse", "High for an adult (51–90)", "high"),
    ("35", {"blood_pressure": "85/70"}, "blood_pressure", "Systolic: Critical low (100–139)", "critical"),
    ("35", {"blood_pressure": "118/76"}, "blood_pressure", "Normal (100–139 / 60–89)", "normal"),
    ("35", {"weight": "62", "height": "164"}, "height", "BMI 23.1 Healthy", "note"),
]


@pytest.mark.parametrize(("age", "typed", "field", "words", "level"), MEANINGS)
def test_the_page_says_what_a_typed_value_means(desk, db, age, typed, field, words, level):
    answer = desk("nurse").send("/clinical/vitals", age=age, **typed)
    said = answer.json["fields"][field]
    assert (said["text"].replace("\u00a0", " "), said["level"]) == (words, level)


def test_a_value_without_a_range_is_not_judged_and_news2_is_for_adults(desk, db):
    nurse, known = desk("nurse"), {key: NORMAL[key] for key in ("temperature", "blood_pressure", "respiratory_rate")}
    for age, typed in (("35", {"weight": "62"}), ("", {"pulse": "72"}), ("35", {}), ("x" * 500, {"pulse": "\x00"})):
        fields = nurse.send("/clinical/vitals", age=age, **typed).json["fields"]
        assert not any(meaning["level"] == "normal" for meaning in fields.values())
    known |= {"pulse": "72", "oxygen_saturation": "97"}
    gap = nurse.send("/clinical/vitals", age="35", **known).json["news2"]
    assert gap == {"text": "NEWS2 still needs: consciousness, air or oxygen.", "level": "note"}
    known |= {"consciousness": "voice", "on_oxygen": "yes"}
    score = nurse.send("/clinical/vitals", age="35", **known).json["news2"]
    assert (score["text"].startswith("NEWS2 5: medium"), score["level"]) == (True, "critical")
    assert "16 years" in nurse.send("/clinical/vitals", age=INFANT, **known).json["news2"]["text"]
    assert desk("cashier").send("/clinical/vitals").status_code == 403
    assert nurse.get("/clinical/vitals?age=35&pulse=44").status_code == 405
    assert nurse.post("/clinical/vitals", data={"age": "35"}).status_code == 400, "without the form's token"
