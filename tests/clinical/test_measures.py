"""Values that need confirmation, implausible changes, body mass index."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from hms.clinical.vitals.plausibility import (
    EarlierValue,
    bmi,
    bmi_text,
    bmi_word,
    find_alarming_values,
    find_implausible_changes,
)

D = Decimal
TODAY = date(2026, 11, 22)


def test_alarming_values_need_confirmation_and_unusual_ones_do_not():
    values = {"temperature": D("38.6"), "pulse": D(150), "weight": D(62)}
    warnings = find_alarming_values(values, D(35))
    assert [warning.key for warning in warnings] == ["pulse"]
    assert warnings[0].reason == "alarming"
    assert str(warnings[0].message) == "Pulse 150\u00a0/min: Critical high (51–90). Is it correct?"


def test_a_value_alarming_in_an_adult_is_usual_in_a_baby():
    assert find_alarming_values({"pulse": D(140)}, D("0.5")) == []
    assert len(find_alarming_values({"pulse": D(140)}, D(40))) == 1


WEIGHTS = [
    # before, days ago, now, age, is_asked
    ("24.0", 30, "26.4", 8, True),
    ("24.0", 30, "26.39", 8, False),
    ("24.0", 30, "21.6", 8, True),
    ("24.0", 30, "21.61", 8, False),
    ("24.0", 31, "40", 8, False),
    ("24.0", 0, "26.4", 8, True),
    ("62", 10, "26", 35, True),
    ("4.0", 20, "5.0", "0.2", False),  # infants grow
    ("4.0", 20, "3.6", "0.2", True),
    ("62", 10, "80", None, True),
]


@pytest.mark.parametrize(("before", "days_ago", "now", "age", "is_asked"), WEIGHTS)
def test_a_sudden_change_of_weight_needs_confirmation(before, days_ago, now, age, is_asked):
    earlier = {"weight": EarlierValue(D(before), TODAY - timedelta(days=days_ago))}
    warnings = find_implausible_changes({"weight": D(now)}, TODAY, age and D(age), earlier)
    assert [warning.key for warning in warnings] == (["weight"] if is_asked else [])


def test_the_warning_has_the_change_and_the_earlier_date():
    earlier = {"weight": EarlierValue(D("22.4"), date(2026, 11, 12))}
    question = find_implausible_changes({"weight": D("24.9")}, TODAY, D(8), earlier)[0]
    assert str(question.message) == "24.9 kg is 2.5 kg more than on 12-Nov-2026. Is it correct?"


@pytest.mark.parametrize(
    ("now", "is_asked"), [("164", False), ("162.1", False), ("162", True), ("146", True), ("170", False)]
)
def test_a_lower_height_needs_confirmation(now, is_asked):
    earlier = {"height": EarlierValue(D(164), TODAY - timedelta(days=400))}
    assert bool(find_implausible_changes({"height": D(now)}, TODAY, D(35), earlier)) is is_asked


def test_without_earlier_values_there_is_no_warning():
    assert find_implausible_changes({"weight": D(62), "height": D(164)}, TODAY, D(35), {}) == []
    assert find_implausible_changes({}, TODAY, D(35), {"weight": EarlierValue(D(62), TODAY)}) == []


INDEX = [
    ("62", "164", 35, "23.05"),
    ("70", "170", 35, "24.22"),
    ("24.5", "126", 8, "15.43"),
    ("12", "85", 2, "16.61"),
    ("12", "85", "1.99", None),
    ("12", "85", None, None),
    (None, "164", 35, None),
    ("62", None, 35, None),
    ("62", "0", 35, None),
]


@pytest.mark.parametrize(("weight", "height", "age", "expected"), INDEX)
def test_body_mass_index(weight, height, age, expected):
    result = bmi(weight and D(weight), height and D(height), age and D(age))
    assert result == (expected and D(expected))


@pytest.mark.parametrize(
    ("index", "age", "word"),
    [
        ("18.44", 35, "Underweight"),
        ("18.45", 35, "Healthy"),
        ("18.5", 35, "Healthy"),
        ("24.9", 35, "Healthy"),
        ("25.0", 35, "Overweight"),
        ("29.9", 35, "Overweight"),
        ("30", 35, "Obese"),
        ("30", "17.9", "see chart"),
        ("15", 8, "see chart"),
        ("23", None, "see chart"),
    ],
)
def test_only_adults_have_a_category(index, age, word):
    assert bmi_word(D(index), age and D(age)) == word


def test_body_mass_index_as_text():
    assert bmi_text(D("23.05"), D(35)) == "23.1 Healthy"
    assert bmi_text(D("23.14"), D(35)) == "23.1 Healthy"
    assert bmi_text(D("15.43"), D(8)) == "15.4 (see chart)"
