import random
import string
from contextlib import suppress
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.patients.identity import birth_dates

TODAY = date(2026, 11, 22)
KADIATU = date(1991, 3, 13)


@pytest.mark.parametrize(
    ("day", "is_unusual"),
    [(date(1916, 11, 22), False), (date(1915, 11, 23), False), (date(1915, 11, 22), True), (date(1886, 11, 22), True)],
)
def test_more_than_110_years_ask_for_a_second_look(day, is_unusual):
    assert birth_dates.check_birth_date(day, TODAY).is_unusual is is_unusual


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), date(1879, 12, 31), date(1885, 11, 21)])
def test_birth_dates_nobody_can_have(day):
    with pytest.raises(RuleBroken):
        birth_dates.check_birth_date(day, TODAY)


def test_the_limits_themselves_are_birth_dates():
    assert birth_dates.check_birth_date(TODAY, TODAY).day == TODAY
    assert birth_dates.check_birth_date(birth_dates.EARLIEST, date(2000, 1, 1)).is_unusual


def months_old(day, today):
    """Completed months."""
    return (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)


@pytest.mark.parametrize("today", [TODAY, date(2026, 6, 30), date(2026, 7, 1), date(2028, 2, 29), date(2026, 1, 1)])
def test_an_estimate_reads_back_as_the_age_that_was_told(today):
    for years in range(1, 141):
        guess = birth_dates.estimate_birth_date(str(years), today)
        assert guess.is_estimated
        assert birth_dates.years_old(guess.day, today) == years
    for months in range(1, 36):
        assert months_old(birth_dates.estimate_birth_date(f"{months} months", today).day, today) == months
    for weeks in range(1, 30):
        assert (today - birth_dates.estimate_birth_date(f"{weeks}w", today).day).days // 7 == weeks


@pytest.mark.parametrize(
    ("text", "unit", "day"),
    [
        ("35", "years", date(1991, 7, 1)),
        ("about 40", "years", date(1986, 7, 1)),
        ("35y", "months", date(1991, 7, 1)),
        ("8 months", "years", date(2026, 3, 8)),
        ("8", "months", date(2026, 3, 8)),
        ("10 days", "years", date(2026, 11, 12)),
        ("0 days", "years", TODAY),
        ("3 wks", "years", date(2026, 10, 29)),
        ("2y 3m", "years", date(2024, 8, 8)),
    ],
)
def test_ages(text, unit, day):
    assert birth_dates.estimate_birth_date(text, TODAY, unit) == birth_dates.Birth(day, is_estimated=True)


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "young", "147", "9999", "3 moons", "3.5", "9999 days x", "1" * 5000, "٣", "\x00", "3 3"]
)
def test_ages_nobody_has(text):
    with pytest.raises(RuleBroken) as refusal:
        birth_dates.estimate_birth_date(text, TODAY)
    assert refusal.value.field == "age"


def test_an_unusual_age_is_marked():
    assert birth_dates.estimate_birth_date("111", TODAY).is_unusual
    assert not birth_dates.estimate_birth_date("110", TODAY).is_unusual


def test_any_birth_date_is_read_back_from_any_full_spelling():
    dice = random.Random(3)
    for _ in range(500):
        day = TODAY - timedelta(days=dice.randrange(1, 36000))
        for shape in ("%d/%m/%Y", "%d %b %Y", "%Y-%m-%d", "%d%m%Y", "%Y%m%d", "%d-%B-%Y", "%d.%m.%Y"):
            assert birth_dates.parse_birth_date(day.strftime(shape), TODAY).day == day
        for shape in ("%d%m%y", "%d/%m/%y", "%d %b %y"):
            read = birth_dates.parse_birth_date(day.strftime(shape), TODAY).day
            assert read <= TODAY
            assert (TODAY.year - read.year) <= 100
            assert (read.day, read.month, read.year % 100) == (day.day, day.month, day.year % 100)


def test_nonsense_is_refused_with_a_message():
    dice = random.Random(4)
    letters = string.digits * 4 + "/-. abdmnov" + "é١\x00"
    for _ in range(3000):
        text = "".join(dice.choices(letters, k=dice.randrange(12)))
        for read in (birth_dates.parse_birth_date, birth_dates.estimate_birth_date):
            with suppress(RuleBroken):
                assert birth_dates.EARLIEST <= read(text, TODAY).day <= TODAY
