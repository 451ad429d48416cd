"""Kidneys, illnesses, and three medicines together: rules as data, with what is said when nothing is known."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from hms.formulary.medicines import catalogue
from hms.formulary.safety.alerts import TIERS
from hms.formulary.safety.checks import check_medicine, medicine_from_text
from hms.formulary.safety.illness_check import PREGNANT, Illness, check_illnesses
from hms.formulary.safety.interaction_check import check_interactions
from hms.formulary.safety.kidney_check import check_kidneys
from hms.formulary.safety.kidney_function import (
    MICROMOLES,
    Creatinine,
    KidneyFacts,
    Size,
    ckd_epi_2021,
    cockcroft_gault,
    estimate,
    schwartz,
)
from hms.formulary.safety.knowledge import CLASS_PREFIX
from hms.formulary.safety.other_checks import CurrentMedicine, PatientFacts, check_duplicates
from hms.formulary.safety.rule_lines import KidneyRule

D = Decimal
KNOWN = catalogue.load_knowledge()
BY_NAME = {medication.generic_name: medication.facts for medication in reversed(catalogue.load_medications())}
TODAY = dt.date(2026, 11, 30)
OLD_WOMAN = PatientFacts(D(80), "female", None, D(50))
MAN = PatientFacts(D(40), "male", None, D(70))
CHILD = PatientFacts(D(6), "female", None, D(20))


def named(name):
    return BY_NAME.get(name) or medicine_from_text(name, KNOWN)


def size(value, days=1):
    return Size(D(value), TODAY - dt.timedelta(days=days))


def kidneys(micromoles, days=1, height=None, weight=None):
    return KidneyFacts(
        Creatinine(D(micromoles), TODAY - dt.timedelta(days=days)), TODAY, 90, height, weight or size(50)
    )


def test_the_estimates_are_those_of_their_papers():
    """Worked examples: NKF for CKD-EPI 2021; 80 years, 50 kg, 1.5 mg/dL for Cockcroft and Gault; 115 cm for Schwartz."""
    assert round(ckd_epi_2021(D(1), D(50), is_female=False)) == 92
    assert round(ckd_epi_2021(D("1.5"), D(70), is_female=True)) == 37
    assert round(cockcroft_gault(D("1.5"), D(80), D(50), is_female=True)) == 24
    assert round(schwartz(D("0.5"), D(115))) == 95
    assert round(estimate("egfr", CHILD, kidneys(MICROMOLES, height=size(115))).value) == 47


KIDNEYS = [
    ("metformin", OLD_WOMAN, kidneys(200), "stop"),
    ("metformin", OLD_WOMAN, kidneys(110), "caution"),
    ("metformin", MAN, kidneys(80), None),
    ("nitrofurantoin", OLD_WOMAN, kidneys(200), "stop"),
    ("gentamicin", OLD_WOMAN, kidneys(150), "stop"),
    ("ibuprofen", OLD_WOMAN, kidneys(100), "caution"),
    ("enoxaparin", OLD_WOMAN, kidneys(130), "caution"),
    ("digoxin", OLD_WOMAN, kidneys(100), "caution"),
    ("spironolactone", OLD_WOMAN, kidneys(200), "stop"),
    ("gentamicin", CHILD, kidneys(200, height=size(115)), "stop"),
]
NOT_COMPARED = [
    ("metformin", MAN, KidneyFacts(None, TODAY, 90), "there is no creatinine result"),
    ("metformin", MAN, kidneys(80, days=91), "more than 90 days ago"),
    ("metformin", replace(MAN, age_years=None), kidneys(80), "the age is not known"),
    ("metformin", replace(MAN, sex="other"), kidneys(80), "the sex is not recorded"),
    ("gentamicin", MAN, replace(kidneys(80), weight=None), "the weight is not recorded"),
    ("gentamicin", MAN, kidneys(80, weight=size(70, 366)), "the last weight is of 2025-11-29, more than 365 days ago"),
    ("gentamicin", CHILD, kidneys(80), "the height is not recorded"),
    ("gentamicin", CHILD, kidneys(80, height=size(85, 91)), "the last height is of 2026-08-31, more than 90 days ago"),
    ("gentamicin", replace(CHILD, age_years=D("0.5")), kidneys(80, height=size(60)), "below the age of one year"),
    ("metformin", MAN, None, "not looked up here"),
]


def test_the_kidneys_are_compared_or_it_is_said_why_not():
    for name, person, facts, tier in KIDNEYS:
        check = check_kidneys(named(name), None, person, facts, KNOWN)
        assert [alert.tier for alert in check.alerts] == ([tier] if tier else []), (name, check)
        assert check.outcome == ("fired" if tier else "clear")
        assert re.search(r"about \d+ mL/min \((creatinine clearance|eGFR) by ", str(check.looked_up))
    for name, person, facts, why in NOT_COMPARED:
        check = check_kidneys(named(name), None, person, facts, KNOWN)
        assert (check.outcome, check.needs_reason, why in str(check.unknown)) == ("not_checked", False, True), (
            name,
            why,
        )
    assert check_kidneys(named("paracetamol"), None, MAN, KidneyFacts(None, TODAY, 90), KNOWN) is None
    rules = tuple(KidneyRule("x", measure, D(60), frozenset(), "caution", "", "", "") for measure in ("crcl", "egfr"))
    known, medicine = replace(KNOWN, kidney_rules=rules), replace(named("paracetamol"), ingredients=("x",))
    half = check_kidneys(medicine, None, MAN, replace(kidneys(200), weight=None), known)
    assert (half.outcome, "the weight is not recorded" in str(half.unknown)) == ("fired", True)
    near = kidneys(MICROMOLES * 100 / 72, weight=size("59.6"))
    words = str(check_kidneys(medicine, None, MAN, near, replace(KNOWN, kidney_rules=rules[:1])).alerts[0].message)
    assert "about 59 mL/min (creatinine clearance by Cockcroft and Gault with 59.6\xa0kg of 2026-11-29" in words
    names = {check.rule for check in check_medicine(named("paracetamol"), None, MAN, (), (), KNOWN)}
    assert "kidneys" not in names, "nothing is said of a medicine for which they do not matter"


ILLNESSES = [
    ("propranolol", Illness("Asthma", "J45.9"), "stop"),
    ("atenolol", Illness("Asthma", "J45.9"), "caution"),
    ("primaquine", Illness("Glucose-6-phosphate dehydrogenase deficiency", "D55.0"), "stop"),
    ("dapsone", Illness("G6PD deficiency"), "stop"),
    ("tramadol", Illness("Epilepsy", "G40.9"), "caution"),
    ("ibuprofen", Illness("Gastric ulcer", "K25.4"), "stop"),
    ("ibuprofen", Illness("Heart failure", "I50.0"), "caution"),
    ("metoclopramide", Illness("Parkinson disease", "G20"), "stop"),
    ("methotrexate", Illness("Cirrhosis of liver", "K74.6"), "stop"),
    ("codeine", Illness("Breastfeeding"), "stop"),
    ("propranolol", Illness("No asthma"), None),
    ("propranolol", Illness("Family history of asthma"), None),
    ("propranolol", Illness("No known asthma"), None),
    ("propranolol", Illness("asthma, not well controlled"), "stop"),
    ("propranolol", Illness("History of asthma"), "stop"),
    ("propranolol", Illness("Severe asthma without cough"), "stop"),
    ("propranolol", Illness("Smoker: no. Asthma since childhood"), "stop"),
    ("propranolol", Illness("Known asthmatic"), "stop"),
    ("propranolol", Illness("Essential hypertension", "I10"), None),
    ("ibuprofen", Illness("Malaria", "B54"), None),
]


def test_illnesses_are_compared_by_code_and_by_words():
    for name, illness, tier in ILLNESSES:
        check = check_illnesses(named(name), None, MAN, (illness,), KNOWN)
        assert [alert.tier for alert in check.alerts] == ([tier] if tier else []), (name, illness)
        assert all(alert.is_serious or alert.tier != "caution" for alert in check.alerts)
        assert illness.title in str(check.looked_up)
    nothing = check_illnesses(named("propranolol"), None, MAN, (), KNOWN)
    assert (nothing.outcome, "No illness is recorded" in str(nothing.unknown)) == ("not_checked", True)
    assert check_illnesses(named("paracetamol"), None, MAN, None, KNOWN).outcome == "not_checked"
    unasked = check_illnesses(named("propranolol"), None, MAN, None, KNOWN)
    assert "were not looked up" in str(unasked.unknown)


PREGNANCIES = [
    (Illness("Supervision of normal pregnancy", "Z34.9"), True),
    (Illness("Anaemia in pregnancy", "O99.0"), True),
    (Illness("Pregnant, 20 weeks"), True),
    (Illness("Not pregnant"), False),
    (Illness("Missed abortion", "O02.1"), False),
    (Illness("Sepsis after the birth", "O85"), False),
    (Illness("Asthma", "J45.9"), False),
]


def test_a_pregnancy_counts_wherever_it_is_recorded():
    """Without a flag in the formulary (ribavirin, tetracycline) by the list of illnesses, with one (warfarin) by the flag."""
    woman = replace(OLD_WOMAN, age_years=D(25))
    harmful = (
        ("ribavirin", "stop", "illnesses"),
        ("tetracycline", "caution", "illnesses"),
        ("warfarin", "stop", "age_pregnancy"),
    )
    for name, tier, rule in harmful:
        medicine = named(name) if rule == "age_pregnancy" else medicine_from_text(name, KNOWN)
        assert bool(medicine.pregnancy) == (rule == "age_pregnancy"), name
        cases = [(woman, each, is_pregnant) for each, is_pregnant in PREGNANCIES]
        cases += [(replace(woman, is_pregnant=True), PREGNANCIES[-1][0], True), (MAN, PREGNANCIES[0][0], False)]
        for person, illness, is_pregnant in cases:
            checks = check_medicine(medicine, None, person, (), (), KNOWN, illnesses=(illness,))
            tiers = [alert.tier for check in checks if check.rule == rule for alert in check.alerts]
            expected = tier if is_pregnant else "caution" if rule == "age_pregnancy" and person is woman else None
            assert tiers == ([expected] if expected else []), (name, illness)


def together(*names):
    first, *others = (named(name) for name in names)
    return check_interactions(first, [CurrentMedicine(other) for other in others], KNOWN)


def test_three_medicines_are_one_finding_in_the_same_words():
    triple = ("ibuprofen", "enalapril", "furosemide")
    checks = [together(*(triple[n:] + triple[:n])) for n in range(3)]
    words = {str(alert.message) for check in checks for alert in check.alerts}
    assert len(words) == 1, "the pairs are part of it, and each line says the same"
    assert "enalapril + furosemide + ibuprofen: The kidneys may fail" in words.pop()
    assert all(check.alerts[0].is_serious for check in checks)
    assert "furosemide" not in " ".join(str(alert.message) for alert in together("ibuprofen", "enalapril").alerts)
    with_own_advice = (
        ("lorazepam", "morphine", "olanzapine", "an hour between injections"),
        ("lorazepam", "morphine", "clozapine", "circulation may collapse"),
        ("trimethoprim", "spironolactone", "enalapril", "Choose another antibiotic"),
        ("tramadol", "fluoxetine", "amitriptyline", "Choose another pain medicine"),
    )
    for *names, advice in with_own_advice:
        words = [str(alert.message) for alert in together(*names).alerts]
        assert any(text.count(" + ") == 2 for text in words), names
        assert any(text.count(" + ") == 1 and advice in text for text in words), "what a pair says of its own stays"
    assert len(together("diazepam", "morphine", "phenobarbital").alerts) == 2, (
        "diazepam and phenobarbital: be ready to ventilate"
    )
    serotonin = together("tramadol", "fluoxetine", "sumatriptan").alerts
    assert [alert.tier for alert in serotonin][:1] == ["stop"]
    assert not any(
        str(alert.message).count(" + ") == 2 for alert in together("paracetamol", "enalapril", "furosemide").alerts
    )


def test_two_of_one_class_are_a_duplicate():
    for one, other in (("tamsulosin", "doxazosin"), ("ibuprofen", "etoricoxib"), ("enalapril", "lisinopril")):
        check = check_duplicates(named(one), [CurrentMedicine(named(other))], KNOWN)
        assert [alert.tier for alert in check.alerts] == ["caution"], (one, other)
    cream = replace(named("hydrocortisone"), route="topical")
    assert check_duplicates(named("prednisolone"), [CurrentMedicine(cream)], KNOWN).alerts == ()


@pytest.mark.parametrize("rules", [KNOWN.kidney_rules, KNOWN.illness_rules, KNOWN.combinations])
def test_every_line_names_what_is_known_and_its_source(rules):
    substances = {substance.name for substance in KNOWN.substances}
    families = {CLASS_PREFIX + entry.code for entry in (*KNOWN.classes, *KNOWN.families)}
    for rule in rules:
        sides = {getattr(rule, "medicine", "")} | set(getattr(rule, "medicines", ())) | set(getattr(rule, "parts", ()))
        assert sides - {""} <= substances | families, rule
        assert rule.tier in TIERS
        assert rule.source
        assert not rule.address or re.match("https?://", rule.address)
        for code in getattr(rule, "codes", ()):
            assert code == PREGNANT or re.fullmatch(r"[A-Z]\d{1,2}(\.\d)?", code), rule
    assert len(set(rules)) == len(rules)
