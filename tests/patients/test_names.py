from datetime import date

import pytest

from hms.core.errors import RuleBroken
from hms.patients.identity import names


@pytest.mark.parametrize(
    "name",
    [
        "Kadiatu",
        "José Ñandú",
        "N'Diaye",
        "Anne-Marie",
        "王小明",
        "أحمد",
        "Abby752",
        "X",
        "A" * 100,
        "Wolfeschlegelstein" * 4,
    ],
)
def test_any_name_is_kept_as_typed(name):
    assert names.clean_names(name, "Kamara") == (name, "Kamara")
    assert names.clean_names("Fatu", name).family == name


def test_a_single_name_is_a_given_name():
    assert names.clean_names("", "Fatu") == ("Fatu", "")
    assert names.clean_names("Fatu", None) == ("Fatu", "")


def test_blanks_are_tidied():
    assert names.clean_names("  Kadiatu   Bintu ", "Kamara") == ("Kadiatu Bintu", "Kamara")


@pytest.mark.parametrize(
    ("given", "family", "field"),
    [
        ("", "", "first_name"),
        (None, None, "first_name"),
        ("   ", "\u200b", "first_name"),
        ("A" * 101, "", "first_name"),
        ("Fatu", "K" * 101, "last_name"),
        ("Fa\x00tu", "", "first_name"),
        ("Fa\ntu", "", "first_name"),
        ("\u202eutaF", "", "first_name"),
        ("---", "Kamara", "first_name"),
        ("Fatu", "?", "last_name"),
        ("\ud800", "", "first_name"),
    ],
)
def test_unreadable_names_are_refused(given, family, field):
    with pytest.raises(RuleBroken) as refusal:
        names.clean_names(given, family)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("typed", "code"),
    [("M", "male"), ("m", "male"), ("Male", "male"), (" male ", "male"), ("F", "female"), ("FEMALE", "female"),
     ("O", "other"), ("Other", "other"), ("U", "unknown"), ("unknown", "unknown"), ("Not known", "unknown"),
     ("woman", "female")],
)  # fmt: skip
def test_sex_in_any_usual_spelling(typed, code):
    assert names.parse_sex(typed) == code


@pytest.mark.parametrize("typed", ["", None, "x", "malee", "1", "\x00", "f" * 999])
def test_an_unknown_sex_is_refused(typed):
    with pytest.raises(RuleBroken) as refusal:
        names.parse_sex(typed)
    assert refusal.value.field == "gender"


def test_gender_codes_round_trip():
    assert [names.parse_sex(names.gender_code(code)) for code in names.SEXES] == list(names.SEXES)


def test_unidentified_patients_of_one_day():
    day = date(2026, 11, 22)
    assert names.name_unknown_person("male", day, 0) == ("Male 22-Nov A", "UNKNOWN")
    assert names.name_unknown_person("unknown", day, 1).given == "Person 22-Nov B"
    assert len({names.name_unknown_person("female", day, n) for n in range(1000)}) == 1000
    assert names.name_unknown_person("male", day, 26).given.endswith(" AA")


def test_names_in_lists_and_letters():
    assert names.format_listed_name("Kadiatu", "Kamara", "Mrs") == "KAMARA, Kadiatu (Mrs)"
    assert names.format_listed_name("Fatu", "") == "Fatu"
    assert names.format_listed_name(*reversed(("UNKNOWN", "Male 22-Nov A"))) == "UNKNOWN, Male 22-Nov A"
