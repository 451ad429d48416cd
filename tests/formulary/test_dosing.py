"""Doses, their sentence, the quantity to hand out and the milligrams of a day."""

from decimal import Decimal

import pytest

from hms.core.errors import RuleBroken
from hms.formulary.dosing.doses import FREQUENCIES, ROUTES, Dose, format_duration, build_sentence, join_parts
from hms.formulary.dosing.quantities import calculate_daily_milligrams, count_doses, calculate_supply
from hms.formulary.dosing.strengths import (
    Amount,
    format_amount,
    get_canonical_unit,
    keep_units_together,
    parse_amount,
    parse_strength,
)

D = Decimal


def dose(amount="500", unit="mg", frequency="three_times_daily", days=5, **more):
    return Dose.of(D(amount), unit, more.pop("route", "oral"), frequency, days=days, **more)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "Infinity"}, "amount"),
        ({"amount": "1000001"}, "amount"),
        ({"unit": "U"}, "unit"),
        ({"unit": "µg"}, "unit"),
        ({"unit": ""}, "unit"),
        ({"route": "SC"}, "route"),
        ({"frequency": "tds"}, "frequency"),
        ({"frequency": ""}, "frequency"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"max_per_day": D(0)}, "max_per_day"),
        ({"max_per_day": D(499)}, "max_per_day"),
    ],
)
def test_an_impossible_dose_is_refused_at_its_part(changed, field):
    with pytest.raises(RuleBroken) as refusal:
        dose(**changed)
    assert refusal.value.field == field


def test_times_that_contradict_the_frequency_are_refused():
    with pytest.raises(RuleBroken):
        Dose(D(500), "mg", "oral", D(4), "three_times_daily")


def test_a_stored_rounded_weekly_rate_is_the_weekly_frequency():
    assert Dose(D(70), "mg", "oral", D("0.143"), "weekly", days=28).times_per_day == D("0.143")


def test_the_sentence_has_its_parts_in_order_and_bold_where_it_matters():
    parts = build_sentence("amoxicillin", "500 mg capsule", dose(), brand="Amoxil")
    assert [part.kind for part in parts] == ["name", "brand", "form", "amount", "route", "frequency", "duration"]
    assert [part.text for part in parts if part.is_bold] == ["amoxicillin", "500\u00a0mg"]
    assert join_parts(parts) == (
        "amoxicillin AMOXIL 500\u00a0mg capsule — DOSE 500\u00a0mg — oral — three times a day — 5 days"
    )


def test_the_sentence_leaves_out_what_is_open():
    open_ended = dose(frequency="", as_needed=True, days=None, max_per_day=D(2000))
    assert join_parts(build_sentence("paracetamol", "500 mg tablet", open_ended)).endswith(
        "DOSE 500\u00a0mg — oral — when required, max 2,000\u00a0mg in 24 hours"
    )


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("1.0", "mg", "1 mg"),
        ("0.50", "mg", "0.5 mg"),
        ("1000", "units", "1,000 units"),
        ("1", "units", "1 unit"),
        ("1", "micrograms", "1 microgram"),
        ("1", "tablet", "1 tablet"),
        ("2", "tablet", "2 tablets"),
        ("0.5", "tablet", "half a tablet"),
        ("0.25", "tablet", "0.25 tablets"),
        ("3", "suppository", "3 suppositories"),
        ("1E+3", "mg", "1,000 mg"),
    ],
)
def test_amounts_are_said_safely(value, unit, said):
    assert format_amount(D(value), unit) == said.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("days", "said"),
    [(None, ""), (1, "1 day"), (7, "7 days"), (13, "13 days"), (14, "2 weeks"), (28, "4 weeks"), (30, "30 days")],
)
def test_durations_in_words(days, said):
    assert format_duration(days) == said


def test_no_frequency_or_route_is_a_code():
    for _times, words in FREQUENCIES.values():
        assert words == words.lower()
        assert "_" not in words
    assert not {"sc", "iv", "im", "po"} & set(ROUTES.values())


STRENGTHS = [
    ("500 mg", [("500", "mg")], None),
    ("1 g", [("1", "g")], None),
    ("20 mg/120 mg", [("20", "mg"), ("120", "mg")], None),
    ("250 mg/5 mL", [("250", "mg")], ("5", "mL")),
    ("200 mg/40 mg/5 mL", [("200", "mg"), ("40", "mg")], ("5", "mL")),
    ("100 units/mL", [("100", "units")], ("1", "mL")),
    ("100,000 units/mL", [("100000", "units")], ("1", "mL")),
    ("100 micrograms/puff", [("100", "micrograms")], ("1", "puff")),
]


@pytest.mark.parametrize(("text", "contents", "per"), STRENGTHS)
def test_strengths_are_read(text, contents, per):
    strength = parse_strength(text)
    assert strength.contents == tuple(Amount(D(value), unit) for value, unit in contents)
    assert strength.per == (Amount(D(per[0]), per[1]) if per else None)


@pytest.mark.parametrize(
    "text", ["", "0.9%", "five", "500", "mg", "/", "500 mg/", "0 mg", "5 mg/0 mL", "5 parsecs", "//"]
)
def test_what_is_no_strength_is_none(text):
    assert parse_strength(text) is None


def test_units_and_amounts_of_the_lists():
    assert get_canonical_unit("tablets") == "tablet"
    assert get_canonical_unit("IU") is None
    assert parse_amount("200 puffs") == Amount(D(200), "puff")
    assert parse_amount("") is None
    assert keep_units_together("20 mg/120 mg tablet") == "20\u00a0mg/120\u00a0mg tablet"


SUPPLIES = [
    # amount, unit, frequency, days, strength, dispensed as, holds, expected
    ("500", "mg", "three_times_daily", 5, "500 mg", "capsule", "", 15),
    ("500", "mg", "three_times_daily", 5, "250 mg", "capsule", "", 30),
    ("1", "g", "four_times_daily", 5, "500 mg", "tablet", "", 40),
    ("250", "mg", "three_times_daily", 3, "500 mg", "tablet", "", 5),  # nine halves
    ("250", "mg", "three_times_daily", 3, "500 mg", "capsule", "", None),  # a capsule cannot be halved
    ("125", "micrograms", "once_daily", 28, "250 micrograms", "tablet", "", 14),
    ("0.125", "mg", "once_daily", 28, "250 micrograms", "tablet", "", 14),
    ("4", "tablet", "twice_daily", 3, "20 mg/120 mg", "tablet", "", 24),
    ("960", "mg", "twice_daily", 5, "800 mg/160 mg", "tablet", "", 10),
    ("500", "mg", "twice_daily", 5, "800 mg/160 mg", "tablet", "", None),  # of which part?
    ("10", "mL", "three_times_daily", 5, "250 mg/5 mL", "bottle", "100 mL", 2),
    ("5", "mL", "three_times_daily", 5, "250 mg/5 mL", "bottle", "100 mL", 1),
    ("250", "mg", "three_times_daily", 5, "250 mg/5 mL", "bottle", "100 mL", 1),
    ("10", "mL", "three_times_daily", 5, "250 mg/5 mL", "mL", "", 150),
    ("250", "mg", "three_times_daily", 5, "250 mg/5 mL", "mL", "", 75),
    ("2", "puff", "twice_daily", 28, "100 micrograms/puff", "inhaler", "200 puffs", 1),
    ("2", "puff", "four_times_daily", 28, "100 micrograms/puff", "inhaler", "200 puffs", 2),
    ("200", "micrograms", "twice_daily", 28, "100 micrograms/puff", "inhaler", "200 puffs", 1),
    ("10", "units", "twice_daily", 28, "100 units/mL", "vial", "10 mL", 1),
    ("40", "units", "twice_daily", 28, "100 units/mL", "vial", "10 mL", 3),
    ("240", "mg", "once_daily", 5, "80 mg/2 mL", "ampoule", "", 15),
    ("100", "mg", "once_daily", 5, "80 mg/2 mL", "ampoule", "", 10),  # the rest of an ampoule is thrown away
    ("2", "mL", "once_daily", 5, "80 mg/2 mL", "ampoule", "", 5),
    ("75", "mg", "twice_daily", 2, "1 g", "vial", "", 4),
    ("1", "sachet", "three_times_daily", 2, "20.5 g", "sachet", "", 6),
    ("10", "mg", "once_daily", 10, "20 mg", "tablet", "", 5),
    ("70", "mg", "weekly", 28, "70 mg", "tablet", "", 4),
    ("5", "mg", "alternate_days", 7, "5 mg", "tablet", "", 4),
    ("1", "application", "twice_daily", 5, "1%", "tube", "", None),
    ("500", "mg", "three_times_daily", None, "500 mg", "tablet", "", None),
    ("500", "units", "three_times_daily", 5, "500 mg", "tablet", "", None),
    ("500", "mg", "three_times_daily", 5, "nonsense", "tablet", "", None),
    ("2", "g", "once", None, "400 mg", "tablet", "", 5),
]


@pytest.mark.parametrize(("amount", "unit", "frequency", "days", "strength", "given_as", "holds", "expected"), SUPPLIES)
def test_supply(amount, unit, frequency, days, strength, given_as, holds, expected):
    assert calculate_supply(dose(amount, unit, frequency, days), strength, given_as, holds) == expected


def test_when_required_counts_the_most_that_may_be_taken():
    assert calculate_supply(dose("1", "g", "", 5, as_needed=True, max_per_day=D(4)), "500 mg") == 40
    assert calculate_supply(dose("1", "g", "", 5, as_needed=True), "500 mg") is None
    assert calculate_supply(dose("1", "g", "four_times_daily", 5, max_per_day=D(3)), "500 mg") == 30


def test_supply_covers_the_course_and_wastes_less_than_a_unit():
    for amount in ("125", "250", "500", "750", "1000"):
        for frequency in ("once_daily", "twice_daily", "three_times_daily", "every_4_hours"):
            for days in (1, 3, 7, 28):
                course = dose(amount, "mg", frequency, days)
                needed = D(amount) * count_doses(course)
                assert needed <= calculate_supply(course, "500 mg") * 500 < needed + 500


@pytest.mark.parametrize(
    ("given", "strength", "unit", "ingredients", "expected"),
    [
        (dose("1", "g", "four_times_daily"), "500 mg", "tablet", ("paracetamol",), {"paracetamol": D(4000)}),
        (dose("4", "tablet", "twice_daily"), "20 mg/120 mg", "tablet", ("a", "l"), {"a": D(160), "l": D(960)}),
        (dose("5", "mL", "twice_daily"), "200 mg/40 mg/5 mL", "bottle", ("s", "t"), {"s": D(400), "t": D(80)}),
        (dose("960", "mg", "twice_daily"), "400 mg/80 mg", "tablet", ("s", "t"), {"s": D(1600), "t": D(320)}),
        (dose("70", "mg", "weekly"), "70 mg", "tablet", ("x",), {"x": D(70)}),
        (dose("2", "puff", "twice_daily"), "100 micrograms/puff", "inhaler", ("b",), {"b": D("0.4")}),
        (dose("1", "g", "once", None), "500 mg", "tablet", ("x",), {"x": D(1000)}),
        (dose("1", "g", "", 5, as_needed=True, max_per_day=D(3)), "500 mg", "tablet", ("x",), {"x": D(3000)}),
        (dose("1", "g", "", 5, as_needed=True), "500 mg", "tablet", ("x",), None),
        (dose("10", "units"), "100 units/mL", "vial", ("insulin",), None),
        (dose("1", "application"), "1%", "tube", ("x",), None),
        (dose("500", "mg"), "400 mg/80 mg", "tablet", ("s", "t"), None),
        (dose("1", "tablet"), "500 mg", "tablet", ("s", "t"), None),
    ],
)
def test_milligrams_of_a_day(given, strength, unit, ingredients, expected):
    assert calculate_daily_milligrams(given, strength, unit, ingredients) == expected
