"""The starting lists are consistent: their names, classes, units and doses are known to the rules."""

from decimal import Decimal

import pytest

from hms.formulary.dosing.doses import ROUTES, build_sentence, join_parts
from hms.formulary.dosing.quantities import calculate_supply
from hms.formulary.dosing.strengths import COUNTED, get_canonical_unit, parse_amount, parse_strength
from hms.formulary.medicines import catalogue
from hms.formulary.models import Medication
from hms.formulary.safety.alerts import TIERS
from hms.formulary.safety.checks import check_medicine, list_stops
from hms.formulary.safety.knowledge import CLASS_PREFIX, UNCONFIRMED
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.other_checks import PatientFacts, check_dose

KNOWN = catalogue.load_knowledge()
SUBSTANCES = {substance.name for substance in KNOWN.substances}
BY_KEY = {medication.key: medication for medication in catalogue.load_medications()}


def test_the_formulary_is_that_of_a_district_hospital():
    assert len(BY_KEY) == len(catalogue.load_medications()) >= 160
    usual = {"paracetamol", "amoxicillin", "artemether + lumefantrine", "oral rehydration salts", "metformin"}
    assert usual <= {medication.generic_name for medication in BY_KEY.values()}


@pytest.mark.parametrize("medication", BY_KEY.values(), ids=BY_KEY)
def test_each_medicine_can_be_shown_checked_stocked_and_sold(medication):
    facts = medication.facts
    assert medication.formulation in ("Tablet", "Syrup", "Injection", "Capsule", "Other")
    assert medication.unit in COUNTED
    assert medication.price.value > 0
    assert medication.reorder_level > 0
    assert facts.route in ROUTES
    assert facts.ingredients
    assert set(facts.ingredients) <= SUBSTANCES
    assert facts.pregnancy in ("", "caution", "avoid")
    assert facts.min_age_tier in ("stop", "caution")
    assert set(facts.max_daily_mg) <= set(facts.ingredients)
    assert set(facts.max_daily_mg_per_kg) <= set(facts.ingredients)
    assert not (facts.has_no_maximum and facts.max_daily_mg)
    assert medication.display_name.lower() == medication.generic_name.lower()
    assert not medication.unit_holds or parse_amount(medication.unit_holds)


@pytest.mark.parametrize("medication", BY_KEY.values(), ids=BY_KEY)
def test_the_classes_of_a_medicine_are_those_of_its_ingredients(medication):
    assert medication.facts.classes == frozenset().union(*map(KNOWN.classes_of, medication.facts.ingredients))


@pytest.mark.parametrize("medication", BY_KEY.values(), ids=BY_KEY)
def test_a_medicine_with_a_maximum_has_a_strength_to_compute_it_from(medication):
    if medication.facts.max_daily_mg:
        strength = parse_strength(medication.strength)
        assert len(strength.contents) == len(medication.facts.ingredients)
        for ingredient, most in medication.facts.max_daily_mg.items():
            milligrams = strength.contents[medication.facts.ingredients.index(ingredient)].milligrams
            assert most >= milligrams / 2, "one unit alone is far above the maximum: a slip of the pen"


def test_no_two_medicines_are_the_same_product():
    products = [(m.generic_name, m.brand_name, m.formulation, m.strength) for m in BY_KEY.values()]
    assert len(set(products)) == len(products)


@pytest.mark.parametrize("medication", BY_KEY.values(), ids=BY_KEY)
def test_the_stored_record_keeps_every_fact_of_the_list(medication):
    facts = medication.facts
    record = Medication(
        name=facts.name,
        generic_name=facts.name,
        brand_name=medication.brand_name,
        ingredients=list(facts.ingredients),
        classes=sorted(facts.classes),
        strength=facts.strength,
        unit=facts.unit,
        route=facts.route,
        has_no_maximum=facts.has_no_maximum,
        max_daily_mg={name: str(most) for name, most in facts.max_daily_mg.items()},
        max_daily_mg_per_kg={name: str(most) for name, most in facts.max_daily_mg_per_kg.items()},
        pregnancy=facts.pregnancy,
        min_age_years=facts.min_age_years,
        min_age_tier=facts.min_age_tier,
    )
    assert Medicine.from_record(record) == facts


def test_at_least_eighty_medicines_have_a_usual_dose():
    assert len({usual.medication for usual in catalogue.load_dose_sentences()}) >= 80


@pytest.mark.parametrize(
    "usual", catalogue.load_dose_sentences(), ids=lambda usual: f"{usual.medication}: {usual.label}"
)
def test_each_usual_dose_has_words_a_supply_and_stays_below_the_maximum(usual):
    medication = BY_KEY[usual.medication]
    sentence = join_parts(
        build_sentence(medication.display_name, f"{medication.strength} {medication.form}", usual.dose)
    )
    assert sentence.startswith(medication.display_name)
    assert " — DOSE " in sentence
    assert usual.audience in ("adult", "child", "any")
    if medication.unit not in ("tube", "bottle") or medication.unit_holds:
        assert calculate_supply(usual.dose, medication.strength, medication.unit, medication.unit_holds) > 0
    adult = PatientFacts(age_years=Decimal(30), sex="male", weight_kg=Decimal(60))
    assert check_dose(medication.facts, usual.dose, adult).outcome in ("clear", "not_checked")
    if usual.audience != "child":
        assert list_stops(check_medicine(medication.facts, usual.dose, adult, (), (), KNOWN)) == []


def test_classes_and_cross_reactions_name_known_substances():
    codes = [family.code for family in KNOWN.classes]
    assert len(set(codes)) == len(codes)
    for family in KNOWN.classes:
        assert family.members <= SUBSTANCES
        assert family.same_class_tier in (("stop", "caution") if family.is_allergy_class else ("",))
    for cross in KNOWN.cross_reactions:
        assert {cross.recorded, cross.prescribed} <= set(codes)
        assert {cross.tier, cross.tier_if_severe} <= set(TIERS)


def test_each_interaction_names_known_medicines_and_says_why_what_and_what_to_do():
    sides = SUBSTANCES | {CLASS_PREFIX + family.code for family in (*KNOWN.classes, *KNOWN.families)}
    seen = set()
    for pair in KNOWN.interactions:
        assert {pair.first, pair.second} <= sides, pair
        assert pair.tier in TIERS, pair
        assert pair.routes in ("", "oral", "any"), pair
        assert pair.mechanism, pair
        assert pair.effect.endswith("."), pair
        assert pair.advice.endswith("."), pair
        assert pair.source, pair
        assert pair.address.startswith(("", "http://", "https://")), pair
        assert bool(pair.address) <= (pair.source != UNCONFIRMED), pair
        assert frozenset((pair.first, pair.second)) not in seen, pair
        seen.add(frozenset((pair.first, pair.second)))


def test_families_and_groups_of_medicines_name_known_substances():
    codes = [family.code for family in (*KNOWN.classes, *KNOWN.families)]
    assert len(set(codes)) == len(codes)
    assert all(family.members and family.members <= SUBSTANCES for family in KNOWN.families)
    members = [name for group in KNOWN.groups for name in group.members]
    assert len(set(members)) == len(members)
    assert set(members) == SUBSTANCES
    assert {code for pair in KNOWN.harmless for code in pair} <= {group.code for group in KNOWN.groups}


def test_tall_man_capitals_only_where_listed():
    shown = {medication.display_name for medication in BY_KEY.values()}
    assert {"predniSOLONE", "hydrALAZINE", "metroNIDAZOLE", "metFORMIN"} <= shown
    assert "paracetamol" in shown


def test_units_of_strengths_are_safe_to_print():
    for medication in BY_KEY.values():
        for forbidden in (" IU", "µg", "mcg", " cc", " U/"):
            assert forbidden not in medication.strength
    assert get_canonical_unit("micrograms") == "micrograms"


def test_the_version_is_a_single_word():
    assert KNOWN.version
    assert len(KNOWN.version.split()) == 1
