import random
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.core.text import dates

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("t", SUNDAY),
        ("Today", SUNDAY),
        ("y", date(2026, 11, 21)),
        ("tomorrow", date(2026, 11, 23)),
        ("+3d", date(2026, 11, 25)),
        ("+ 3 d", date(2026, 11, 25)),
        ("-1w", date(2026, 11, 15)),
        ("−1w", date(2026, 11, 15)),
        ("in 2 weeks", date(2026, 12, 6)),
        ("2 weeks", date(2026, 12, 6)),
        ("in 3 months", date(2027, 2, 22)),
        ("mon", date(2026, 11, 23)),
        ("sat", date(2026, 11, 28)),
        ("Sunday", date(2026, 11, 29)),
        ("22/11/26", SUNDAY),
        ("221126", SUNDAY),
        ("22 nov", SUNDAY),
        ("21 nov", date(2027, 11, 21)),
        ("1/12", date(2026, 12, 1)),
        ("3 feb", date(2027, 2, 3)),
        ("2026-12-24", date(2026, 12, 24)),
        ("24 déc. 2026", date(2026, 12, 24)),
    ],
)
def test_days_seen_from_today(text, day):
    assert dates.parse_upcoming_date(text, SUNDAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "22",
        "m",
        "su",
        "+99999d",
        "+9999y",
        "-9999y",
        "31/2/27",
        "29 feb",
        "32 nov",
        "+3",
        "+d",
        "x" * 9999,
        "\x00",
    ],
)
def test_unreadable_days_are_blamed_on_the_field(text):
    with pytest.raises(RuleBroken) as refusal:
        dates.parse_upcoming_date(text, SUNDAY, "date")
    assert refusal.value.field == "date"


def test_a_weekday_is_always_within_the_coming_seven_days():
    for ahead in range(7):
        today = SUNDAY + timedelta(days=ahead)
        for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
            day = dates.parse_upcoming_date(name, today)
            assert 1 <= (day - today).days <= 7
            assert day.strftime("%a").lower() == name


def test_months_end_where_they_end():
    assert dates.shift_date(date(2026, 1, 31), 1, "months") == date(2026, 2, 28)
    assert dates.shift_date(date(2028, 2, 29), 1, "years") == date(2029, 2, 28)
    assert dates.shift_date(date(2026, 1, 31), -2, "months") == date(2025, 11, 30)
    assert dates.end_of_month(2028, 2) == date(2028, 2, 29)


def test_months_by_their_beginning():
    assert [dates.month_number(w) for w in ("mar", "Août", "sept.", "févr", "mai")] == [3, 8, 9, 2, 5]
    assert [dates.month_number(w) for w in ("ju", "jui", "foo", "")] == [None] * 4


def test_any_day_ahead_is_read_back():
    dice = random.Random(5)
    for _ in range(500):
        day = SUNDAY + timedelta(days=dice.randrange(360))
        for shape in ("%d/%m/%y", "%d%m%y", "%d %b", "%d/%m", "%Y-%m-%d", "%d-%b-%Y"):
            assert dates.parse_upcoming_date(day.strftime(shape), SUNDAY) == day
