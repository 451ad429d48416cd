"""The formulary in the database: loading, choices, and products named by text."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from hms.billing.models import PriceItem
from hms.core.person import SYSTEM
from hms.formulary.dosing import product_text
from hms.formulary.medicines import actions, catalogue, queries
from hms.formulary.models import DoseSentence, Medication
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.other_checks import PatientFacts
from tests.formulary.factories import load, medicine


@pytest.fixture
def formulary(db):
    load()


def test_the_starting_list_loads_once(db):
    assert actions.load_catalogue(by=SYSTEM) == len(catalogue.load_medications())
    assert actions.load_catalogue(by=SYSTEM) == 0
    assert db.session.scalar(select(func.count(DoseSentence.id))) == len(catalogue.load_dose_sentences())
    priced = db.session.scalar(select(func.count(PriceItem.id)).filter_by(category="medicine"))
    assert priced == len(catalogue.load_medications())


def test_what_the_hospital_changed_stays(db, formulary, person):
    first = medicine("paracetamol-500-mg-tablet")
    actions.change_medication(first.id, reorder_level=7, by=person("admin"))
    actions.withdraw_medication(first.id, by=person("admin"))
    actions.load_catalogue(by=SYSTEM)
    assert (first.reorder_level, first.is_active) == (7, False)


def test_a_loaded_medicine_has_the_facts_of_the_list(db, formulary):
    rows = {row.catalogue_key: row for row in db.session.scalars(select(Medication))}
    for entry in catalogue.load_medications():
        stored = Medicine.from_record(rows[entry.key])
        assert set(entry.facts.other_names) <= set(stored.other_names)
        assert replace(stored, other_names=entry.facts.other_names) == entry.facts


def test_a_stored_dose_has_the_same_sentence(db, formulary):
    stored = db.session.scalars(select(DoseSentence).order_by(DoseSentence.id)).all()
    assert [product_text.build_dose(row) for row in stored] == [usual.dose for usual in catalogue.load_dose_sentences()]


def test_choices_are_usual_doses_then_a_custom_dose(db, formulary):
    result = queries.list_choices("amox")
    assert 2 < len(result) <= 10
    assert "amoxicillin" in result[0].words
    assert "DOSE" in result[0].words
    assert result[0].supply
    assert result[-1].is_custom


def test_the_most_used_dose_comes_first(db, formulary, person):
    later = next(c for c in queries.list_choices("amox")[1:] if not c.is_custom)
    for _time in range(3):
        actions.count_use(int(later.value.removeprefix("s:")), by=person("doctor"))
    assert queries.list_choices("amox")[0].value == later.value


def test_a_childs_doses_come_before_those_of_adults(db, formulary):
    child = queries.list_choices("paracetamol", PatientFacts(age_years=Decimal(4)))
    assert "Child" in child[0].note


@pytest.mark.parametrize(
    ("typed", "age", "weight", "offered", "not_offered"),
    [
        ("amox", 35, 62, {"Adult", "Severe chest infection, adult"}, {"Child under 1 year", "Child 1 to 4 years"}),
        (
            "amox",
            3,
            12,
            {"Child 1 to 4 years", "Pneumonia, child 10 to 13 kg"},
            {"Adult", "Pneumonia, child 4 to 9 kg"},
        ),
        (
            "amox",
            3,
            None,
            {"Child 1 to 4 years"},
            {"Pneumonia, child 4 to 9 kg", "Pneumonia, child 10 to 13 kg", "Child under 1 year"},
        ),
        ("artemether", 8, None, set(), {"5 to 14 kg", "15 to 24 kg", "25 to 34 kg", "35 kg and over"}),
        ("amox", "0.5", 7, {"Child under 1 year", "Pneumonia, child 4 to 9 kg"}, {"Child 5 to 11 years"}),
        ("artemether", 14, 30, {"25 to 34 kg"}, {"35 kg and over", "15 to 24 kg"}),
        ("artemether", 10, 40, {"35 kg and over"}, {"25 to 34 kg", "5 to 14 kg"}),
        ("artemether", 35, None, {"35 kg and over"}, {"25 to 34 kg"}),
        ("zinc", "0.4", None, {"Diarrhoea, under 6 months"}, {"Diarrhoea, 6 months and over"}),
        ("albendazole", 1, None, set(), {"From 2 years, one dose"}),
        ("azithromycin", 2, 11, {"Child of about 10 kg"}, set()),
        ("azithromycin", "0.02", 3, set(), {"Child of about 10 kg"}),
        ("gentamicin", 40, 90, set(), {"Adult of about 50 kg"}),
        ("paracetamol", 4, 18, {"Child 1 to 5 years (about 10 kg)"}, set()),
        ("paracetamol", 40, 45, {"Pain or fever, adult"}, {"Adult over 50 kg"}),
        ("amox", None, None, {"Adult", "Child under 1 year"}, set()),
    ],
)
def test_offered_doses_fit_age_and_weight(db, formulary, typed, age, weight, offered, not_offered):
    facts = {"age_years": age, "weight_kg": weight}
    known = {name: Decimal(value) for name, value in facts.items() if value is not None}
    found = queries.list_choices(typed, PatientFacts(**known))
    notes = {choice.note for choice in found if not choice.is_custom}
    assert offered <= notes
    assert not notes & not_offered
    assert any(choice.is_custom for choice in found)


FOR_WOMEN = (
    ("ciprofloxacin", "Urine infection, woman"),
    ("nitrofurantoin", "Urine infection, woman"),
    ("fluconazole", "Vaginal thrush, one dose"),
    ("clotrimazole", "Vaginal thrush, one dose"),
    ("methyldopa", "Blood pressure in pregnancy"),
    ("sulfadoxine", "Prevention in pregnancy, one dose"),
    ("ferrous", "Pregnancy"),
    ("oxytocin", "After birth, one dose"),
    ("misoprostol", "Bleeding after birth, one dose"),
)


def test_doses_for_women_are_not_offered_to_men(db, formulary):
    def offers(patient: PatientFacts) -> set[tuple[str, str]]:
        return {
            (typed, label)
            for typed, label in FOR_WOMEN
            if label in {choice.note for choice in queries.list_choices(typed, patient)}
        }

    man, woman = (PatientFacts(age_years=Decimal(30), sex=sex) for sex in ("male", "female"))
    assert offers(man) == set()
    assert offers(woman) == offers(PatientFacts(sex="other")) == offers(PatientFacts()) == set(FOR_WOMEN)
    after_birth = {pair for pair in FOR_WOMEN if "birth" in pair[1]}
    in_pregnancy = {pair for pair in FOR_WOMEN if "regnancy" in pair[1]}
    assert offers(PatientFacts(sex="female", is_pregnant=False)) == set(FOR_WOMEN) - in_pregnancy
    assert offers(PatientFacts(age_years=Decimal(70), sex="female")) == set(FOR_WOMEN) - in_pregnancy - after_birth


def test_doses_that_harm_the_unborn_are_not_offered_in_a_recorded_pregnancy(db, formulary):
    def usual(patient: PatientFacts) -> bool:
        return any(not choice.is_custom for choice in queries.list_choices("doxycycline", patient))

    assert usual(PatientFacts(sex="female"))
    assert not usual(PatientFacts(sex="female", is_pregnant=True))


def test_choices_hide_the_stock_without_permission(db, formulary):
    assert {choice.stock for choice in queries.list_choices("amox", shows_stock=False)} == {None}
    assert {choice.stock for choice in queries.list_choices("amox")} == {0}


@pytest.mark.parametrize("typed", ["", "a", "   ", "%%", "x" * 3000, "zzzqq", "' or 1=1"])
def test_choices_of_nothing(db, formulary, typed):
    assert queries.list_choices(typed) == []


@pytest.mark.parametrize(
    ("text", "dosage", "key"),
    [
        ("Amoxicillin 500mg", "", "amoxicillin-500-mg-capsule"),
        ("amoxicillin 500 mg capsule", "", "amoxicillin-500-mg-capsule"),
        ("Amoxicillin", "500mg", "amoxicillin-500-mg-capsule"),
        ("AMLODIPINE 5 mg", "", "amlodipine-5-mg-tablet"),
        ("Penicillin", "500mg", None),
        ("Amoxicillin", "", None),
        ("", "", None),
        ("Holy water", "1 L", None),
    ],
)
def test_a_text_names_a_product_only_when_it_is_clear(db, formulary, text, dosage, key):
    result = queries.find_medication_by_text(text, dosage)
    assert (result.catalogue_key if result else None) == key
