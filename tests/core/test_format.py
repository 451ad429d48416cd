"""How dates, ages, names, money, numbers and phones are written."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from hms.core import clock
from hms.core.money import Money
from hms.core.text import formatting
from hms.core.web import template_filters


@pytest.fixture
def kathmandu(monkeypatch):
    """A hospital whose wall clock is 5 h 45 min ahead of UTC."""
    before = clock.zone().key
    clock.set_zone("Asia/Kathmandu")
    yield
    clock.set_zone(before)


def test_days_have_letters_for_the_month_and_four_digits_for_the_year():
    assert formatting.format_date(date(2026, 11, 2)) == "02-Nov-2026"
    assert formatting.long_day(date(2026, 11, 2)) == "2 November 2026"


def test_an_instant_is_shown_on_the_hospitals_day_and_clock(kathmandu):
    instant = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
    assert formatting.format_datetime(instant) == "22-Nov-2026 02:15"
    assert formatting.long_day(instant) == "22 November 2026"
    assert formatting.clock_time(instant, seconds=True) == "02:15:00"


@pytest.mark.parametrize(
    ("born", "on", "shown"),
    [
        (date(2026, 11, 22), date(2026, 11, 22), "0d"),
        (date(2026, 10, 26), date(2026, 11, 22), "27d"),
        (date(2026, 10, 25), date(2026, 11, 22), "4w"),
        (date(2026, 10, 1), date(2026, 11, 22), "7w 3d"),
        (date(2025, 11, 23), date(2026, 11, 22), "52w"),
        (date(2025, 11, 22), date(2026, 11, 22), "1y"),
        (date(2018, 9, 30), date(2026, 11, 30), "8y 2m"),
        (date(2008, 11, 23), date(2026, 11, 22), "17y 11m"),
        (date(2008, 11, 22), date(2026, 11, 22), "18y"),
        (date(1991, 3, 13), date(2026, 11, 22), "35y"),
        (date(2008, 2, 29), date(2026, 2, 28), "17y 11m"),
        (date(2027, 1, 1), date(2026, 11, 22), "0d"),
    ],
)
def test_the_unit_of_an_age_depends_on_the_age(born, on, shown):
    assert formatting.age(born, on) == shown


def test_a_newborn_of_known_hour_is_counted_in_hours():
    born = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    assert formatting.age(born, born + timedelta(hours=47, minutes=59)) == "47hr"
    assert formatting.age(born, born + timedelta(hours=48)) == "2d"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(seconds=40), "40sec"),
        (timedelta(minutes=24, seconds=59), "24min"),
        (timedelta(hours=8, minutes=5), "8hr 5min"),
        (timedelta(hours=2), "2hr"),
        (timedelta(days=3, hours=4, minutes=9), "3d 4hr"),
        (timedelta(seconds=-5), "0sec"),
    ],
)
def test_a_duration_drops_its_zero_units(span, shown):
    assert formatting.duration(span) == shown


@pytest.mark.parametrize(
    ("family", "given", "title", "listed", "spoken"),
    [
        ("Kamara", "Kadiatu", "Mrs", "KAMARA, Kadiatu (Mrs)", "Mrs Kadiatu Kamara"),
        ("N'Diaye-Çelik", "Zoë", None, "N'DIAYE-ÇELIK, Zoë", "Zoë N'Diaye-Çelik"),
        (None, "Musa", None, "—, Musa", "Musa"),
        ("Unknown", "", "", "UNKNOWN", "Unknown"),
    ],
)
def test_names_are_listed_family_first_and_spoken_given_first(family, given, title, listed, spoken):
    assert formatting.person_name(family, given, title) == listed
    assert formatting.spoken_name(family, given, title) == spoken


def test_a_button_names_the_patient_in_capitals_and_shortly():
    assert formatting.name_on_button("Kamara", "Kadiatu") == "KAMARA"
    assert formatting.name_on_button("", "Musa") == "MUSA"
    assert formatting.name_on_button("Adebayo-Ogunlesi Akinfolarin", "") == "ADEBAYO-OGUNLESI AKINFO…"


@pytest.mark.parametrize(
    ("code", "word"),
    [("F", "Female"), ("male", "Male"), ("other", "Other"), ("unknown", "Not known"), (None, "Not known")],
)
def test_sex_is_a_word(code, word):
    assert formatting.sex_word(code) == word


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1250", "SLE", "SLE\u00a01,250.00"),
        ("-10", "SLE", "SLE\u00a0\u221210.00"),
        ("0", "KWD", "KWD\u00a00.000"),
        ("1234567", "JPY", "JPY\u00a01,234,567"),
    ],
)
def test_money_has_its_code_and_the_decimals_of_its_currency(amount, currency, shown):
    assert formatting.money(Money(amount), currency) == shown
    assert formatting.money(Money(amount), currency, code=False) == shown.partition("\u00a0")[2]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (Decimal("0.50"), "mg", "0.5\u00a0mg"),
        (Decimal("1.0"), "g", "1\u00a0g"),
        (1250, "mL", "1,250\u00a0mL"),
        (100, None, "100"),
        (38.6, "°C", "38.6\u00a0°C"),
        (Decimal("1E+2"), "mg", "100\u00a0mg"),
        ("-0.25", "kg", "\u22120.25\u00a0kg"),
    ],
)
def test_a_quantity_keeps_its_leading_zero_and_drops_trailing_ones(value, unit, shown):
    assert formatting.quantity(value, unit) == shown


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        ("+23276123456", "SL", "076 123 456"),
        ("+233241234567", "SL", "+233 24 123 4567"),
        ("+233241234567", "GH", "024 123 4567"),
        ("+441632960961", "GB", "01632 960 961"),
        ("ask at the mosque", "SL", "ask at the mosque"),
        ("12", "SL", "12"),
    ],
)
def test_a_phone_number_is_grouped_and_own_country_goes_without_its_code(number, country, shown):
    assert formatting.phone(number, country).replace("\u00a0", " ") == shown


def test_found_words_are_marked_whatever_their_case_and_accents():
    assert template_filters.marked("NÚÑEZ, Zoë", "nun zoe") == "<mark>NÚÑ</mark>EZ, <mark>Zoë</mark>"
    assert template_filters.marked("<b>", "b") == "&lt;<mark>b</mark>&gt;"
    assert template_filters.marked("KAMARA", "x") == "KAMARA"
    assert template_filters.marked("KAMARA", None) == "KAMARA"
