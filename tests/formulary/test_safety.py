"""Checks of interactions, duplicates, daily maximum, age and pregnancy; all checks together; overrides."""

from decimal import Decimal

import pytest

from hms.core.errors import RuleBroken
from hms.core.text.translation import Sentence
from hms.formulary.dosing.doses import Dose
from hms.formulary.medicines import catalogue
from hms.formulary.safety.alerts import CheckResult, SafetyAlert
from hms.formulary.safety.allergy_check import AllergyEntry
from hms.formulary.safety.checks import (
    check_medicine,
    list_alerts,
    list_stops,
    medicine_from_text,
)
from hms.formulary.safety.interaction_check import check_interactions
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.other_checks import (
    CurrentMedicine,
    PatientFacts,
    check_age_and_pregnancy,
    check_dose,
    check_duplicates,
)
from hms.formulary.safety.reasons import OVERRIDE_REASONS, Reason, ReasonMissing, check_reasons, list_questions

D = Decimal
KNOWN = catalogue.load_knowledge()
BY_NAME = {medication.generic_name: medication.facts for medication in reversed(catalogue.load_medications())}
BY_KEY = {medication.key: medication.facts for medication in catalogue.load_medications()}
ADULT = PatientFacts(age_years=D(40), sex="male", weight_kg=D(65))


def taking(*names):
    return tuple(CurrentMedicine(BY_NAME.get(name) or medicine_from_text(name, KNOWN)) for name in names)


def dose(amount, unit, frequency, days=5, **more):
    return Dose.from_frequency(D(amount), unit, "oral", frequency, days=days, **more)


INTERACTIONS = [
    ("warfarin", "metronidazole", "stop"),
    ("warfarin", "co-trimoxazole", "stop"),
    ("warfarin", "ibuprofen", "stop"),
    ("warfarin", "ciprofloxacin", "caution"),
    ("simvastatin", "clarithromycin", "stop"),
    ("atorvastatin", "clarithromycin", "caution"),
    ("atazanavir + ritonavir", "omeprazole", "stop"),
    ("atazanavir + ritonavir", "rifampicin + isoniazid", "stop"),
    ("atazanavir + ritonavir", "ergometrine", "stop"),
    ("fluoxetine", "phenelzine", "stop"),
    ("pethidine", "phenelzine", "stop"),
    ("amitriptyline", "phenelzine", "stop"),
    ("haloperidol", "erythromycin", "caution"),
    ("morphine", "diazepam", "caution"),
    ("potassium chloride", "spironolactone", "stop"),
    ("enalapril", "spironolactone", "caution"),
    ("tenofovir + lamivudine + dolutegravir", "rifampicin + isoniazid", "caution"),
    ("tenofovir + lamivudine + dolutegravir", "metformin", "caution"),
    ("ciprofloxacin", "ferrous sulfate", "caution"),
    ("artesunate + amodiaquine", "tenofovir + lamivudine + efavirenz", "stop"),
    ("artemether + lumefantrine", "tenofovir + lamivudine + efavirenz", "info"),
    ("amoxicillin", "paracetamol", None),
    ("amoxicillin", "amlodipine", None),
]


@pytest.mark.parametrize(("first", "second", "tier"), INTERACTIONS)
def test_interactions_are_found_both_ways_round(first, second, tier):
    for new, old in ((first, second), (second, first)):
        medicine = BY_NAME.get(new) or medicine_from_text(new, KNOWN)
        result = check_interactions(medicine, taking(old), KNOWN)
        assert [alert.tier for alert in result.alerts] == ([tier] if tier else [])
        assert result.outcome == ("fired" if tier else "clear")


def test_a_pair_that_nobody_looked_at_is_not_clear():
    found = {}
    for new, old in (("amoxicillin", "paracetamol"), ("morphine", "levothyroxine"), ("bisacodyl", "warfarin")):
        result = check_interactions(BY_NAME[new], taking(old), KNOWN)
        assert KNOWN.version in str(result.looked_up)
        found[new] = (result.outcome, str(result.unknown or ""))
    assert found["amoxicillin"] == ("clear", "")
    assert found["morphine"] == (
        "not_checked",
        "morphine together with levothyroxine is not in the list. It is not known to be safe.",
    )
    assert found["bisacodyl"][1].startswith("The list has no interaction of bisacodyl.")


def test_drops_and_creams_take_part_only_in_the_rules_that_say_so():
    drops = BY_KEY["ciprofloxacin-0.3-percent-ear-drops"]
    assert check_interactions(drops, taking("ferrous sulfate", "warfarin"), KNOWN).outcome == "not_checked"
    assert check_interactions(BY_KEY["timolol-0.5-percent-eye-drops"], taking("salbutamol"), KNOWN).outcome == "fired"
    into_vein = BY_KEY["ciprofloxacin-200-mg-100-ml-infusion"]
    assert check_interactions(into_vein, taking("ferrous sulfate"), KNOWN).alerts == ()


def test_an_interaction_names_both_medicines():
    alert = check_interactions(BY_NAME["warfarin"], taking("metronidazole"), KNOWN).alerts[0]
    assert str(alert.message).startswith("metronidazole + warfarin: ")


def test_a_medicine_does_not_interact_with_itself():
    assert check_interactions(BY_NAME["haloperidol"], taking("haloperidol"), KNOWN).outcome == "clear"


def test_an_unknown_current_medicine_is_reported():
    result = check_interactions(BY_NAME["warfarin"], taking("leaf tea", "metronidazole"), KNOWN)
    assert result.outcome == "fired"
    assert "leaf tea" in str(result.missing)
    assert check_interactions(BY_NAME["warfarin"], taking("leaf tea"), KNOWN).outcome == "could_not_run"


DUPLICATES = [
    ("paracetamol", "paracetamol", "already in the current medicines"),
    ("amoxicillin", "amoxicillin + clavulanic acid", "already in the current medicines"),
    ("ibuprofen", "diclofenac", "are from the same group"),
    ("aspirin", "ibuprofen", "are from the same group"),
    ("enalapril", "lisinopril", "are from the same group"),
    ("amlodipine", "nifedipine", "are from the same group"),
    ("amoxicillin", "ampicillin", "are from the same group"),
    ("morphine", "tramadol", "are from the same group"),
    ("hydrochlorothiazide", "bendroflumethiazide", "are from the same group"),
    ("Acetaminophen 325 MG Oral Tablet", "paracetamol", "already in the current medicines"),
]


@pytest.mark.parametrize(("first", "second", "message"), DUPLICATES)
def test_duplicates_are_a_caution(first, second, message):
    medicine = BY_NAME.get(first) or medicine_from_text(first, KNOWN)
    result = check_duplicates(medicine, taking(second), KNOWN)
    assert [alert.tier for alert in result.alerts] == ["caution"]
    assert message in str(result.alerts[0].message)


@pytest.mark.parametrize(
    ("first", "second"),
    [("paracetamol", "ibuprofen"), ("amoxicillin", "metronidazole"), ("insulin soluble", "metformin"),
     ("prednisolone", "beclometasone"), ("furosemide", "hydrochlorothiazide")],
)  # fmt: skip
def test_usual_companions_are_no_duplicates(first, second):
    assert check_duplicates(BY_NAME[first], taking(second), KNOWN).outcome == "clear"


@pytest.mark.parametrize(
    ("key", "daily_dose", "outcome"),
    [
        ("paracetamol-500-mg-tablet", dose("1", "g", "four_times_daily"), "clear"),
        ("paracetamol-500-mg-tablet", dose("1", "g", "five_times_daily"), "fired"),
        ("paracetamol-500-mg-tablet", dose("1.001", "g", "four_times_daily"), "fired"),
        ("paracetamol-500-mg-tablet", dose("8", "tablet", "once_daily"), "clear"),
        ("paracetamol-500-mg-tablet", dose("9", "tablet", "once_daily"), "fired"),
        ("paracetamol-500-mg-tablet", dose("1", "g", "every_4_hours", max_per_day=D(4)), "clear"),
        ("paracetamol-500-mg-tablet", dose("1", "g", "", as_needed=True), "could_not_run"),
        ("paracetamol-500-mg-tablet", None, "could_not_run"),
        ("digoxin-250-micrograms-tablet", dose("250", "micrograms", "once_daily"), "clear"),
        ("digoxin-250-micrograms-tablet", dose("250", "mg", "once_daily"), "fired"),
        ("artemether-lumefantrine-20-mg-120-mg-tablet", dose("4", "tablet", "twice_daily"), "clear"),
        ("artemether-lumefantrine-20-mg-120-mg-tablet", dose("4", "tablet", "three_times_daily"), "fired"),
        ("amoxicillin-250-mg-5-ml-suspension", dose("20", "mL", "three_times_daily"), "clear"),
        ("amoxicillin-250-mg-5-ml-suspension", dose("21", "mL", "three_times_daily"), "fired"),
        ("oral-rehydration-salts-20.5-g-sachet", dose("9", "sachet", "four_times_daily"), "not_checked"),
        ("morphine-10-mg-tablet", dose("60", "mg", "twice_daily"), "not_checked"),
        ("morphine-10-mg-tablet", None, "could_not_run"),
    ],
)
def test_the_daily_maximum(key, daily_dose, outcome):
    result = check_dose(BY_KEY[key], daily_dose, ADULT)
    assert result.outcome == outcome
    assert all(alert.tier == "stop" for alert in result.alerts)


def test_too_much_is_written_in_the_usual_unit():
    result = check_dose(BY_KEY["paracetamol-500-mg-tablet"], dose("1", "g", "five_times_daily"), ADULT)
    assert str(result.alerts[0].message) == "5\u00a0g of paracetamol a day is more than the daily maximum of 4\u00a0g."


def test_other_products_with_the_same_ingredient_are_added_up():
    tablets = BY_KEY["paracetamol-500-mg-tablet"]
    drip = BY_KEY["paracetamol-1-g-100-ml-infusion"]
    others = (CurrentMedicine(drip, dose("1", "g", "every_6_hours")),)
    result = check_dose(tablets, dose("500", "mg", "once_daily"), ADULT, others)
    assert result.outcome == "fired"
    assert "4\u00a0g of it comes from other" in str(result.alerts[0].message)
    unknown = check_dose(tablets, dose("500", "mg", "once_daily"), ADULT, (CurrentMedicine(drip),))
    assert unknown.outcome == "could_not_run"


CHILDREN = [
    # age, weight, amount mg four times a day, outcome (75 mg of paracetamol per kg a day)
    (D(4), D(16), "300", "clear"),
    (D(4), D(16), "301", "fired"),
    (D(4), None, "240", "could_not_run"),
    (D(4), None, "1001", "fired"),
    (D(15), D(55), "1000", "clear"),
    (D(15), D(40), "1000", "fired"),
    (D(40), D(45), "1000", "fired"),  # a light adult
    (D(40), D(50), "1000", "clear"),
    (D(40), None, "1000", "clear"),
    (None, None, "1000", "could_not_run"),
]


@pytest.mark.parametrize(("age", "weight", "amount", "outcome"), CHILDREN)
def test_children_and_light_people_are_dosed_by_weight(age, weight, amount, outcome):
    person = PatientFacts(age_years=age, weight_kg=weight)
    daily_dose = dose(amount, "mg", "four_times_daily")
    assert check_dose(BY_KEY["paracetamol-500-mg-tablet"], daily_dose, person).outcome == outcome


def test_a_medicine_without_a_maximum_is_not_clear():
    unknown = Medicine("newdrug", ("newdrug",), strength="5 mg")
    assert check_dose(unknown, dose("5", "mg", "once_daily"), ADULT).outcome == "could_not_run"


AGE_AND_PREGNANCY = [
    ("aspirin", PatientFacts(D("15.9"), "male"), ["stop"]),
    ("aspirin", PatientFacts(D(16), "male"), []),
    ("codeine", PatientFacts(D(11), "female", False), ["stop"]),
    ("doxycycline", PatientFacts(D(7), "male"), ["caution"]),
    ("doxycycline", PatientFacts(D(8), "male"), []),
    ("metoclopramide", PatientFacts(D("0.5"), "male"), ["stop"]),
    ("sodium valproate", PatientFacts(D(25), "female", True), ["stop"]),
    ("sodium valproate", PatientFacts(D(25), "female", None), ["caution"]),
    ("sodium valproate", PatientFacts(D(25), "female", False), []),
    ("sodium valproate", PatientFacts(D(60), "female", None), []),
    ("sodium valproate", PatientFacts(D(25), "male", None), []),
    ("ibuprofen", PatientFacts(D(25), "female", True), ["caution"]),
    ("ibuprofen", PatientFacts(D(25), "female", None), []),
    ("amoxicillin", PatientFacts(D(25), "female", True), []),
    ("doxycycline", PatientFacts(D(7), "female", True), ["stop", "caution"]),
    ("primaquine", PatientFacts(D("0.4"), "male"), ["stop"]),
]


@pytest.mark.parametrize(("medicine", "person", "expected"), AGE_AND_PREGNANCY)
def test_age_and_pregnancy(medicine, person, expected):
    assert [alert.tier for alert in check_age_and_pregnancy(BY_NAME[medicine], person).alerts] == expected


def test_a_minimum_age_is_written_in_years_or_months():
    baby = PatientFacts(D("0.2"), "male")
    assert "under 3 months" in str(check_age_and_pregnancy(BY_NAME["nitrofurantoin"], baby).alerts[0].message)
    assert "under 16 years" in str(check_age_and_pregnancy(BY_NAME["aspirin"], baby).alerts[0].message)


def test_an_unknown_age_is_reported_where_it_matters():
    assert check_age_and_pregnancy(BY_NAME["aspirin"], PatientFacts()).outcome == "could_not_run"
    assert check_age_and_pregnancy(BY_NAME["amoxicillin"], PatientFacts()).outcome == "clear"
    woman = check_age_and_pregnancy(BY_NAME["amoxicillin"], PatientFacts(D(30), "female", True))
    assert (woman.outcome, woman.alerts) == ("not_checked", ())


def test_all_checks_run_in_order_and_stops_come_first():
    checks = check_medicine(
        BY_NAME["warfarin"],
        dose("5", "mg", "once_daily"),
        PatientFacts(D(30), "female", None, D(60)),
        (AllergyEntry("penicillin"),),
        taking("metronidazole", "ciprofloxacin"),
        KNOWN,
    )
    rules = ["allergy", "interaction", "duplicate", "high_alert", "dose", "dose_limit", "age_pregnancy", "illnesses"]
    assert [check.rule for check in checks] == rules
    outcomes = ["clear", "fired", "clear", "clear", "clear", "clear", "fired", "not_checked"]
    assert [check.outcome for check in checks] == outcomes
    assert [alert.tier for alert in list_alerts(checks)] == ["stop", "caution", "caution"]
    assert len(list_stops(checks)) == 1


def test_a_free_text_medicine_is_never_called_clear():
    checks = check_medicine(Medicine("leaf tea"), None, ADULT, (AllergyEntry("penicillin"),), taking("warfarin"), KNOWN)
    assert {check.outcome for check in checks[:-1]} == {"could_not_run"}
    assert checks[-1].outcome == "not_checked"


def test_age_and_pregnancy_of_a_free_text_medicine_are_not_called_clear():
    medicine = medicine_from_text("Valproic acid 200 MG", KNOWN)
    assert medicine.ingredients == ("sodium valproate",)
    assert check_age_and_pregnancy(medicine, PatientFacts(D(25), "female", True)).outcome == "could_not_run"


STOP = CheckResult.from_alerts("allergy", [SafetyAlert("stop", "allergy", Sentence("Allergy recorded: penicillin."))])
CAUTION = CheckResult.from_alerts("duplicate", [SafetyAlert("caution", "duplicate", Sentence("Twice the same."))])
SERIOUS = CheckResult.from_alerts("interaction", [SafetyAlert("caution", "interaction", Sentence("A + B: bleeds."))])
GAP = CheckResult.not_run("dose", Sentence("No maximum is known."))
FACT = CheckResult.not_run("dose", Sentence("Weigh the child."), needs_reason=False)
WRONG_REASONS = [
    *(("", ""), ("because", "I say so"), (None, None), ("other", ""), ("other", "1234"), ("other", "      ")),
    *(("other", None), ("other", "\u200b" * 9), ("other", "x" * 501), ("no_alternative", "bad\u0000text")),
]


def test_each_finding_that_needs_a_reason_has_its_own():
    questions = list_questions([CAUTION, GAP, SERIOUS, STOP, FACT, STOP])
    assert [question.kind for question in questions] == ["stop", "serious", "not_checked"]
    stop, serious, gap = (question.key for question in questions)
    for code in OVERRIDE_REASONS:
        given = dict.fromkeys((stop, serious, gap), Reason(code, "  given before in our ward "))
        assert check_reasons(questions, given)[gap] == Reason(code, "given before in our ward")
    for wrong in WRONG_REASONS:
        with pytest.raises(RuleBroken) as refusal:
            check_reasons(questions[:1], {stop: Reason(*wrong)})
        assert refusal.value.field == "override_reason", wrong
    with pytest.raises(ReasonMissing, match="A \\+ B: bleeds") as missing:
        check_reasons(questions, {stop: Reason("no_alternative")})
    assert [asked["key"] for asked in missing.value.details["questions"]] == [serious, gap]
    with pytest.raises(ReasonMissing, match="Allergy recorded: penicillin"):
        check_reasons(questions, {})
    assert check_reasons(list_questions([CAUTION, FACT]), {}) == {}
