"""Parse vital signs, refuse impossible values, flag unusual ones."""

import random
from decimal import Decimal

import pytest

from hms.clinical.models import VitalsReading
from hms.clinical.vitals import rules
from hms.clinical.vitals.rules import (
    check_possible,
    check_pressures,
    find_flag,
    parse_blood_pressure,
    parse_number,
    read_vitals,
)
from hms.core.errors import RuleBroken

D = Decimal
DEFINED = rules.vitals()
AGES = [D(0), D("0.05"), D("0.1"), D("0.5"), D(1), D(3), D(5), D(8), D(12), D(16), D(40), D(90), D(120)]


def test_each_vital_sign_has_its_code_unit_and_label():
    assert list(DEFINED) == [
        *("temperature", "systolic", "diastolic", "pulse", "respiratory_rate", "oxygen_saturation"),
        *("weight", "height", "pain", "glucose"),
    ]
    assert DEFINED["temperature"].ucum == "Cel"
    assert DEFINED["systolic"].loinc == "8480-6"
    assert len({vital.loinc for vital in DEFINED.values()}) == len(DEFINED)


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("key", [key for key in DEFINED if key not in ("weight", "height")])
def test_every_age_has_exactly_one_range_within_the_possible_values(key, age):
    usual = rules.usual_range(key, age)
    vital = DEFINED[key]
    limits = [usual.critical_low, usual.low, usual.high, usual.critical_high]
    known = [limit for limit in limits if limit is not None]
    assert known == sorted(known)
    assert usual.low < usual.high
    assert vital.possible_low <= min(known)
    assert max(known) <= vital.possible_high


def test_weight_and_height_have_no_usual_range():
    assert rules.usual_range("weight", D(30)) is None
    assert find_flag("height", D(164), D(30)) is None


def test_an_unknown_age_has_an_adults_range():
    assert rules.usual_range("pulse", None) == rules.usual_range("pulse", D(40))


POSSIBLE = [
    ("temperature", "25", True),
    ("temperature", "24.9", False),
    ("temperature", "45", True),
    ("temperature", "45.1", False),
    ("temperature", "375", False),
    ("systolic", "40", True),
    ("systolic", "39", False),
    ("systolic", "300", True),
    ("systolic", "301", False),
    ("diastolic", "20", True),
    ("diastolic", "201", False),
    ("pulse", "300", True),
    ("pulse", "301", False),
    ("pulse", "9", False),
    ("respiratory_rate", "3", True),
    ("respiratory_rate", "2", False),
    ("respiratory_rate", "121", False),
    ("oxygen_saturation", "30", True),
    ("oxygen_saturation", "29", False),
    ("oxygen_saturation", "100", True),
    ("oxygen_saturation", "101", False),
    ("weight", "0.3", True),
    ("weight", "0.29", False),
    ("weight", "400.01", False),
    ("height", "20", True),
    ("height", "250.1", False),
    ("pain", "0", True),
    ("pain", "10", True),
    ("pain", "11", False),
    ("pain", "-1", False),
    ("glucose", "0.1", True),
    ("glucose", "60.1", False),
    ("temperature", "36.65", False),
    ("pulse", "80.5", False),
    ("weight", "3.255", False),
    ("temperature", "36.60", True),
    ("temperature", "NaN", False),
    ("temperature", "Infinity", False),
]


@pytest.mark.parametrize(("key", "value", "is_possible"), POSSIBLE)
def test_impossible_values_are_refused_at_their_field(key, value, is_possible):
    if is_possible:
        assert check_possible(key, D(value)) is None
        return
    with pytest.raises(RuleBroken) as refusal:
        check_possible(key, D(value))
    assert refusal.value.field == key
    assert str(DEFINED[key].label) in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "value", "advice"),
    [
        ("temperature", "98.6", "looks like °F. Enter 37\u00a0°C"),
        ("height", "1.64", "looks like metres. Enter 164\u00a0cm"),
        ("weight", "3200", "looks like grams. Enter 3.2\u00a0kg"),
        ("glucose", "90", "looks like mg/dL. Enter 5\u00a0mmol/L"),
    ],
)
def test_a_value_in_another_unit_is_converted_in_the_advice(key, value, advice):
    with pytest.raises(RuleBroken) as refusal:
        check_possible(key, D(value))
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "value"), [("36.5", "36.5"), ("36,5", "36.5"), (" 36.5 ", "36.5"), ("", None), ("  ", None)]
)
def test_numbers_take_comma_and_point(typed, value):
    assert parse_number(typed, "temperature") == (D(value) if value else None)


@pytest.mark.parametrize(
    ("typed", "pressures"),
    [
        ("120/80", (120, 80)),
        (" 120 / 80 ", (120, 80)),
        ("120/80 mmHg", (120, 80)),
        ("90/", (90, None)),
        ("", (None, None)),
    ],
)
def test_blood_pressure_in_one_field(typed, pressures):
    assert parse_blood_pressure(typed) == pressures


@pytest.mark.parametrize("typed", ["120", "120-80", "a/b", "/80", "120/80/60", "120//80", "٣/٤", "120/80x", "1,000/80"])
def test_a_blood_pressure_that_is_not_clear_is_refused(typed):
    with pytest.raises(RuleBroken) as refusal:
        parse_blood_pressure(typed)
    assert refusal.value.field == "blood_pressure"


@pytest.mark.parametrize(("systolic", "diastolic"), [(80, 120), (80, 80), (None, 80)])
def test_the_diastolic_is_the_lower_one(systolic, diastolic):
    with pytest.raises(RuleBroken):
        check_pressures(systolic and D(systolic), D(diastolic))


def test_each_value_is_accepted_alone():
    assert read_vitals({"temperature": "38,6"}) == ({"temperature": D("38.6")}, {})
    assert read_vitals({"pain": 0}) == ({"pain": D(0)}, {})
    assert read_vitals({}) == ({}, {})


def test_a_whole_form():
    typed = {"temperature": "36.9", "blood_pressure": "100/64", "pulse": "98", "respiratory_rate": "22",
             "oxygen_saturation": "98", "weight": "24.5", "height": "126", "pain": ""}  # fmt: skip
    values, errors = read_vitals(typed)
    assert errors == {}
    assert values["systolic"] == 100
    assert values["diastolic"] == 64
    assert "pain" not in values


def test_a_body_of_the_api_with_numbers():
    body = {"systolic_bp": 120, "diastolic_bp": 80, "heart_rate": 70, "respiratory_rate": 14, "temperature": 36.6,
            "oxygen_saturation": 98.0, "height": 170, "weight": 70}  # fmt: skip
    values, errors = read_vitals(body)
    assert errors == {}
    assert values["temperature"] == D("36.6")
    assert len(values) == 8


def test_every_wrong_field_has_an_error_and_the_others_their_value():
    values, errors = read_vitals(
        {"temperature": "375", "pulse": "x", "blood_pressure": "80/120", "weight": "62", "pain": True}
    )
    assert set(errors) == {"temperature", "pulse", "blood_pressure", "pain"}
    assert values["weight"] == 62


def test_two_separate_pressures_the_wrong_way_round():
    _values, errors = read_vitals({"systolic": "80", "diastolic": "120"})
    assert set(errors) == {"diastolic"}
    _values, errors = read_vitals({"systolic_bp": 80, "diastolic_bp": 120})
    assert set(errors) == {"diastolic_bp"}


def test_an_error_has_the_name_of_the_sent_field():
    assert set(read_vitals({"heart_rate": 999})[1]) == {"heart_rate"}
    assert set(read_vitals({"pulse": 999})[1]) == {"pulse"}


def test_every_vital_sign_is_a_column_of_the_reading():
    columns = VitalsReading.__table__.columns.keys()
    assert set(DEFINED) <= set(columns)


def test_nonsense_gives_errors_and_no_exception():
    chance = random.Random(9)
    for _ in range(500):
        typed = {
            key: "".join(chance.choices("0123456789.,/-eNan ½\u0000\ud800", k=chance.randint(0, 7))) for key in DEFINED
        }
        typed["blood_pressure"] = "".join(chance.choices("0123456789./ ", k=7))
        values, errors = read_vitals(typed)
        for key, value in values.items():
            if key not in errors:
                check_possible(key, value)


FLAGS = [
    ("temperature", "36.0", 40, "Low"),
    ("temperature", "36.1", 40, None),
    ("temperature", "38.0", 40, None),
    ("temperature", "38.1", 40, "High"),
    ("temperature", "35.0", 40, "Critical low"),
    ("temperature", "40.0", 40, "Critical high"),
    ("temperature", "38.5", "0.1", "Critical high"),
    ("pulse", "96", 35, "High"),
    ("pulse", "90", 35, None),
    ("pulse", "40", 35, "Critical low"),
    ("pulse", "131", 35, "Critical high"),
    ("pulse", "131", "0.5", None),
    ("pulse", "98", 8, None),
    ("respiratory_rate", "22", 8, None),
    ("respiratory_rate", "22", 40, "High"),
    ("respiratory_rate", "25", 40, "Critical high"),
    ("respiratory_rate", "50", "0.5", "High"),
    ("respiratory_rate", "60", "0.1", "High"),
    ("respiratory_rate", "40", 3, "High"),
    ("oxygen_saturation", "95", 40, None),
    ("oxygen_saturation", "94", 40, "Low"),
    ("oxygen_saturation", "89", 40, "Critical low"),
    ("oxygen_saturation", "100", 40, None),
    ("systolic", "140", 40, "High"),
    ("systolic", "139", 40, None),
    ("systolic", "90", 40, "Critical low"),
    ("systolic", "180", 40, "Critical high"),
    ("diastolic", "120", 40, "Critical high"),
    ("diastolic", "90", 40, "High"),
    ("pain", "4", 40, "High"),
    ("pain", "3", 40, None),
    ("glucose", "2.9", 40, "Critical low"),
    ("glucose", "3.9", 40, "Low"),
    ("glucose", "20", 40, "Critical high"),
]


@pytest.mark.parametrize(("key", "value", "age", "word"), FLAGS)
def test_flags_of_values(key, value, age, word):
    result = find_flag(key, D(value), D(age))
    assert (result.word if result else None) == word


def test_a_flag_as_text_has_the_range():
    assert str(find_flag("temperature", D("38.6"), D(35))) == "High (36.1–38.0)"


def test_values_are_shown_with_their_unit():
    assert DEFINED["temperature"].format_value(D("38.6")) == "38.6\u00a0°C"
    assert DEFINED["oxygen_saturation"].format_value(D(97)) == "97%"
    assert DEFINED["weight"].format_value(D("62.00")) == "62\u00a0kg"
