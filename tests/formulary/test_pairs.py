"""Textbook pairs at their tier, harmless pairs that must not fire, and doses that must stop or pass (`pairs.csv`)."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from hms.formulary.dosing.doses import Dose
from hms.formulary.medicines import catalogue
from hms.formulary.safety.checks import check_medicine, list_stops, medicine_from_text
from hms.formulary.safety.coverage import write_coverage
from hms.formulary.safety.interaction_check import check_interactions
from hms.formulary.safety.other_checks import CurrentMedicine, PatientFacts

D = Decimal
KNOWN = catalogue.load_knowledge()
BY_NAME = {medication.generic_name: medication.facts for medication in reversed(catalogue.load_medications())}
BY_KEY = {medication.key: medication.facts for medication in catalogue.load_medications()}


def find(name):
    return BY_NAME.get(name) or medicine_from_text(name, KNOWN)


def test_textbook_pairs_fire_at_their_tier_and_harmless_ones_do_not():
    with Path(__file__).with_name("pairs.csv").open(encoding="utf-8") as lines:
        pairs = list(csv.DictReader(lines))
    assert sum(pair["tier"] in ("stop", "caution") for pair in pairs) >= 90
    assert sum(pair["tier"] == "none" for pair in pairs) >= 60
    wrong = []
    for pair in pairs:
        for one, other in ((pair["first"], pair["second"]), (pair["second"], pair["first"])):
            result = check_interactions(find(one), [CurrentMedicine(find(other))], KNOWN)
            found = result.alerts[0].tier if result.alerts else "none"
            # What only asks for a look may also be said of a harmless pair.
            if found != pair["tier"] and not (pair["tier"] == "none" and found == "info"):
                wrong.append((one, other, found, pair["tier"]))
    assert wrong == []


def test_the_table_of_what_is_covered_is_that_of_the_lists():
    table = Path(__file__).parents[2] / "docs/interaction-coverage.md"
    assert table.read_text(encoding="utf-8") == write_coverage(KNOWN), "run flask interaction-coverage"


ADULT = PatientFacts(D(40), "male", weight_kg=D(70))
UNWEIGHED = PatientFacts(D(40), "male")
CHILD = PatientFacts(D(5), "male", weight_kg=D(18))
UNWEIGHED_CHILD = PatientFacts(D(5), "male")
MORPHINE, INSULIN = "morphine-10-mg-ml-injection", "insulin-soluble-100-units-ml-injection"
KCL, ADRENALINE = "potassium-chloride-1.5-g-10-ml-injection", "adrenaline-1-mg-ml-injection"
HEPARIN, KETAMINE = "heparin-5-000-units-ml-injection", "ketamine-50-mg-ml-injection"
MAGNESIUM, OXYTOCIN = "magnesium-sulfate-5-g-10-ml-injection", "oxytocin-10-units-ml-injection"
DIGOXIN = "digoxin-250-micrograms-tablet"
DOSES = (
    # key, amount, unit, route, frequency, days, person, words of the stop or "" where it passes
    (MORPHINE, "10", "mg", "intramuscular", "every_4_hours", 1, ADULT, ""),
    (MORPHINE, "1", "mL", "intravenous", "once", None, ADULT, ""),
    (MORPHINE, "10", "mg", "intramuscular", "", 1, ADULT, "in 24 hours"),
    (MORPHINE, "2", "ampoule", "intravenous", "once", None, ADULT, "dose cannot be read"),
    (MORPHINE, "16", "mg", "intravenous", "once", None, ADULT, "at once"),
    (MORPHINE, "1000", "mg", "intramuscular", "once", None, ADULT, "at once"),
    (MORPHINE, "20", "mg", "intramuscular", "every_2_hours", 1, ADULT, "daily maximum"),
    (MORPHINE, "1.8", "mg", "intravenous", "every_4_hours", 1, CHILD, ""),
    (MORPHINE, "5", "mg", "intravenous", "once", None, CHILD, "more than 1.8"),
    (MORPHINE, "1.8", "mg", "intravenous", "once", None, UNWEIGHED_CHILD, "age and weight"),
    (MORPHINE, "0.3", "mg", "intravenous", "once", None, PatientFacts(D("0.02"), weight_kg=D(3)), "age and weight"),
    ("morphine-10-mg-tablet", "10", "mg", "oral", "every_4_hours", 5, ADULT, ""),
    ("morphine-10-mg-tablet", "60", "mg", "oral", "twice_daily", 5, ADULT, "at once"),
    (INSULIN, "10", "units", "subcutaneous", "three_times_daily", 30, ADULT, ""),
    (INSULIN, "0.1", "mL", "subcutaneous", "three_times_daily", 30, UNWEIGHED, ""),
    (INSULIN, "50", "units", "subcutaneous", "three_times_daily", 30, ADULT, "at once"),
    (INSULIN, "5000", "units", "subcutaneous", "three_times_daily", 30, UNWEIGHED, "at once"),
    (INSULIN, "1", "mL", "subcutaneous", "once", None, ADULT, "at once"),
    (INSULIN, "4", "units", "subcutaneous", "twice_daily", 30, CHILD, ""),
    (INSULIN, "4", "units", "subcutaneous", "twice_daily", 30, UNWEIGHED_CHILD, "age and weight"),
    (INSULIN, "10", "mg", "subcutaneous", "twice_daily", 30, ADULT, "without a recorded maximum"),
    (KCL, "1.5", "g", "intravenous", "every_8_hours", 1, ADULT, ""),
    (KCL, "15", "g", "intravenous", "once", None, ADULT, "at once"),
    (KCL, "1.5", "g", "intramuscular", "once", None, ADULT, "without a recorded maximum"),
    (KCL, "1.5", "g", "intravenous", "once", None, CHILD, "at once"),
    (ADRENALINE, "0.5", "mg", "intramuscular", "once", None, ADULT, ""),
    (ADRENALINE, "500", "micrograms", "intramuscular", "once", None, CHILD, "more than 150"),
    (ADRENALINE, "1", "mg", "intravenous", "once", None, ADULT, ""),
    (ADRENALINE, "10", "mg", "intravenous", "once", None, ADULT, "at once"),
    (HEPARIN, "5000", "units", "subcutaneous", "every_12_hours", 7, ADULT, ""),
    (HEPARIN, "50000", "units", "intravenous", "once", None, ADULT, "at once"),
    (HEPARIN, "5000", "units", "intravenous", "once", None, CHILD, "more than 1,800"),
    (KETAMINE, "140", "mg", "intravenous", "once", None, ADULT, ""),
    (KETAMINE, "2", "g", "intravenous", "once", None, ADULT, "at once"),
    (KETAMINE, "140", "mg", "intravenous", "once", None, UNWEIGHED, "age and weight"),
    (MAGNESIUM, "4", "g", "intravenous", "once", None, ADULT, ""),
    (MAGNESIUM, "5", "g", "intramuscular", "every_4_hours", 1, ADULT, ""),
    (MAGNESIUM, "10", "g", "intramuscular", "every_4_hours", 1, ADULT, "daily maximum"),
    (MAGNESIUM, "50", "g", "intramuscular", "once", None, ADULT, "at once"),
    (OXYTOCIN, "10", "units", "intramuscular", "once", None, ADULT, ""),
    (OXYTOCIN, "100", "units", "intravenous", "once", None, ADULT, "at once"),
    (DIGOXIN, "250", "micrograms", "oral", "once_daily", 30, ADULT, ""),
    (DIGOXIN, "0.25", "g", "oral", "once", None, ADULT, "at once"),
    (DIGOXIN, "1", "mg", "oral", "once_daily", 30, ADULT, "for more than"),
    (DIGOXIN, "125", "micrograms", "oral", "once_daily", 30, CHILD, "age and weight"),
    ("warfarin-5-mg-tablet", "5", "mg", "oral", "once_daily", 30, ADULT, ""),
    ("warfarin-5-mg-tablet", "50", "mg", "oral", "once", None, ADULT, "at once"),
    ("tramadol-50-mg-capsule", "50", "mg", "oral", "three_times_daily", 5, ADULT, ""),
    ("paracetamol-500-mg-tablet", "1", "g", "oral", "four_times_daily", 5, ADULT, ""),
)


def test_doses_of_high_alert_medicines_stop_or_pass_by_route_age_and_weight():
    wrong = []
    for key, amount, unit, route, frequency, days, person, words in DOSES:
        dose = Dose.from_frequency(D(amount), unit, route, frequency, days=days, as_needed=not frequency)
        checks = check_medicine(BY_KEY[key], dose, person, (), (), KNOWN)
        said = " ".join(str(stop.message) for stop in list_stops(checks)).replace("\N{NO-BREAK SPACE}", " ")
        if words not in said or bool(said) != bool(words):
            wrong.append((key, amount, unit, route, person, words, said))
    assert wrong == []


def test_a_weekly_medicine_taken_daily_is_stopped():
    tablet = medicine_from_text("methotrexate 2.5 mg tablet", KNOWN)
    product = type(tablet)("methotrexate", ("methotrexate",), strength="2.5 mg")
    weekly = Dose.from_frequency(D(15), "mg", "oral", "weekly", days=28)
    daily = Dose.from_frequency(D(5), "mg", "oral", "once_daily", days=28)
    assert list_stops(check_medicine(product, weekly, ADULT, (), (), KNOWN)) == []
    stops = list_stops(check_medicine(product, daily, ADULT, (), (), KNOWN))
    assert "in a week is more than the weekly maximum" in str(stops[0].message)


def test_each_limit_names_a_substance_a_unit_and_its_source():
    substances = {substance.name for substance in KNOWN.substances}
    for limit in KNOWN.dose_limits:
        assert limit.ingredient in substances, limit
        assert limit.kind in ("single", "daily", "weekly", "course"), limit
        assert limit.unit in ("mg", "units"), limit
        assert limit.most is not None or limit.most_per_kg is not None, limit
        assert (limit.most or 1) > 0 < (limit.most_per_kg or 1), limit
        assert limit.source, limit
