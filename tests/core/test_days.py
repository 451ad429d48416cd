import random
from datetime import date, timedelta

from hms.core.text import dates

SUNDAY = date(2026, 11, 22)


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
