"""The laboratory's catalogue: consistent tests, ranges and flags."""

from decimal import Decimal

import pytest

from hms.lab.catalogue import tests as lab_tests

D = Decimal
TESTS = lab_tests()
AGES = [D("0.02"), D("0.3"), D(3), D(8), D(15), D(30), D(60), D(99)]


def test_the_catalogue_has_the_tests_of_a_district_laboratory():
    assert len(TESTS) >= 40
    assert {"HB", "MPS", "MRDT", "GLUR", "HIV", "URINE", "K"} <= set(TESTS)


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_each_test_has_what_orders_bills_and_results_need(test):
    assert test.name
    assert test.specimen
    assert test.price.value >= 0
    assert test.result in ("number", "choice", "text", "panel")
    assert bool(test.choices) is (test.result in ("choice", "panel"))
    assert bool(test.ranges) is (test.result == "number")
    if test.result == "panel":
        assert all(TESTS[code].result == "number" for code in test.choices)


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_a_billing_label_does_not_reveal_the_test(test):
    telling = ("hiv", "hepatitis", "syphilis", "tb", "pregnancy", "sick", "lassa", test.name.lower())
    assert not [word for word in telling if word in test.billing_label.lower().split()]
    assert test.billing_label.lower() != test.name.lower()


@pytest.mark.parametrize("test", [test for test in TESTS.values() if test.ranges], ids=lambda test: test.code)
def test_ranges_are_in_order_and_at_most_one_suits_a_patient(test):
    for band in test.ranges:
        limits = [band.critical_low, band.low, band.high, band.critical_high]
        known = [limit for limit in limits if limit is not None]
        assert known == sorted(known)
        assert band.from_years < band.to_years
    for sex in ("female", "male"):
        for age in AGES:
            assert sum(band.applies_to(sex, age) for band in test.ranges) <= 1
        assert test.range_for(sex, D(30)) is not None


FLAGS = [
    ("HB", "10.1", "female", 30, "Low"),
    ("HB", "12.0", "female", 30, ""),
    ("HB", "12.0", "male", 30, "Low"),
    ("HB", "6.0", "female", 30, "Critical low"),
    ("HB", "16.1", "female", 30, "High"),
    ("HB", "13", "female", "0.02", "Low"),
    ("K", "6.2", "male", 40, "Critical high"),
    ("K", "6.1", "male", 40, "High"),
    ("K", "5.1", "male", 40, ""),
    ("K", "2.8", "male", 40, "Critical low"),
    ("GLUR", "2.4", "male", 5, "Critical low"),
    ("MPS", "3", "male", 5, ""),
    ("HB", "12", "unknown", 30, ""),
    ("HB", "5", "female", None, ""),
]


@pytest.mark.parametrize(("code", "value", "sex", "age", "word"), FLAGS)
def test_flags_by_sex_and_age(code, value, sex, age, word):
    assert TESTS[code].flag_of(D(value), sex, age if age is None else D(age)) == word


def test_units_are_printed_for_people():
    assert TESTS["WBC"].printed_unit == "×10⁹/L"
    assert TESTS["CREA"].printed_unit == "µmol/L"
    assert TESTS["HB"].printed_unit == "g/dL"
    assert TESTS["HB"].range_for("female", D(30)).text == "12.0–16.0"
