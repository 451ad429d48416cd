"""Formats dates, times, ages, names, money, numbers and phone numbers for the screen and for documents.

Formats follow the NHS Common User Interface guidance: 22-Nov-2026 on staff screens whatever the browser's language,
the long form for anything a patient reads, family names in capitals, sex in words, a no-break space between number
and unit. `core/web/template_filters.py` makes them filters of the templates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import phonenumbers
from babel.numbers import get_currency_precision

from hms.core import clock
from hms.core.money import Money

from . import numbers
from .translation import N_

NBSP = "\u00a0"
MAX_BUTTON_NAME = 24
MINUS = "\u2212"
_SWAPPED = str.maketrans(",.", ".,")
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
# FHIR's administrative gender and the one-letter codes of older records.
_SEX_WORDS = {
    **dict.fromkeys(("female", "f"), N_("Female")),
    **dict.fromkeys(("male", "m"), N_("Male")),
    **dict.fromkeys(("other", "o"), N_("Other")),
}


class Named(Protocol):
    """An object with a person's name: a patient, a relative, a member of staff."""

    family_name: str | None
    given_name: str | None
    title: str | None


def format_date(when: date, months: Sequence[str] = SHORT_MONTHS) -> str:
    """22-Nov-2026; for an instant, its day in hospital time."""
    day = _hospital_day(when)
    return f"{day.day:02d}-{months[day.month - 1]}-{day.year:04d}"


def long_day(when: date, months: Sequence[str] = LONG_MONTHS) -> str:
    """22 November 2026, for anything a patient reads."""
    day = _hospital_day(when)
    return f"{day.day} {months[day.month - 1]} {day.year:04d}"


def format_datetime(instant: datetime, months: Sequence[str] = SHORT_MONTHS) -> str:
    """22-Nov-2026 10:05 in hospital time, 24-hour clock."""
    local = clock.local(instant) if instant.tzinfo else instant
    return f"{format_date(local.date(), months)} {clock_time(local.time())}"


def clock_time(instant: datetime, *, seconds: bool = False) -> str:
    """10:05 (or 10:05:09) in hospital time; a time without a zone is shown as it is."""
    local = clock.local(instant) if isinstance(instant, datetime) and instant.tzinfo else instant
    return f"{local.hour:02d}:{local.minute:02d}" + (f":{local.second:02d}" if seconds else "")


def age(born: date, on: date) -> str:
    """The age on a day, in the unit for that age: 36hr (instant of birth known), 12d, 7w 3d, 8y 2m, 35y.

    Two instants give hours below 48 h; a future birth counts as 0d.
    """
    if isinstance(born, datetime) and isinstance(on, datetime) and timedelta() <= on - born < timedelta(hours=48):
        return f"{int((on - born).total_seconds() // 3600)}hr"
    first, last = _hospital_day(born), _hospital_day(on)
    days, months = max((last - first).days, 0), _whole_months(first, last)
    if days < 28:
        return f"{days}d"
    if months < 12:
        return _pairs((days // 7, "w"), (days % 7, "d"))
    years = months // 12
    return _pairs((years, "y"), (months % 12, "m")) if years < 18 else f"{years}y"


def duration(span: timedelta) -> str:
    """A length of time: 40sec, 24min, 8hr 5min, 3d 4hr; the two largest units, without units that are zero."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds}sec"
    minutes = seconds // 60
    if minutes < 24 * 60:
        return _pairs((minutes // 60, "hr"), (minutes % 60, "min"))
    return _pairs((minutes // 1440, "d"), (minutes % 1440 // 60, "hr"))


def person_name(family: str | None, given: str | None, title: str | None = None) -> str:
    """KAMARA, Kadiatu (Mrs); with only a given name, a dash for the family name: —, Musa."""
    name = ", ".join(part for part in ((family or "").upper() or "—", given or "") if part)
    return f"{name} ({title})" if title else name


def name_on_button(family: str | None, given: str | None) -> str:
    """KAMARA, as in Sign for KAMARA; without a family name the given names. A long name is shortened."""
    name = (family or given or "").upper()
    return name if len(name) <= MAX_BUTTON_NAME else name[: MAX_BUTTON_NAME - 1] + "…"


def spoken_name(family: str | None, given: str | None, title: str | None = None) -> str:
    """Mrs Kadiatu Kamara, for anything that a patient reads or hears."""
    return " ".join(part for part in (title, given, family) if part)


def sex_word(code: str | None) -> str:
    """Female, Male, Other or Not known, to be translated where it is shown; never a letter."""
    return _SEX_WORDS.get((code or "").lower(), N_("Not known"))


def money(amount: Money, currency: str, *, code: bool = True) -> str:
    """SLE 1,250.00 with a no-break space, the currency's number of decimals, the decimal sign of the page and the sign
    U+2212 for minus.

    Use `code=False` only in a table whose heading or total names the currency.
    """
    digits = in_page_signs(f"{abs(amount.value):,.{get_currency_precision(currency)}f}")
    signed = f"{MINUS}{digits}" if amount.value < 0 else digits
    return f"{currency}{NBSP}{signed}" if code else signed


def in_page_signs(digits: str) -> str:
    """ "1,250.00" as it is, or as "1.250,00" where the comma is the decimal sign (`core/text/numbers.py`)."""
    return digits.translate(_SWAPPED) if numbers.shown_sign() == numbers.COMMA else digits


def quantity(value: Decimal | int | float | str, unit: str | None = None) -> str:
    """0.5 mg, 1,250 mL: a leading zero always, trailing zeros never, no break between number and unit (ISMP)."""
    digits = f"{abs(Decimal(str(value))):,f}"
    without_zeros = digits.rstrip("0").rstrip(".") if "." in digits else digits
    signed = f"{MINUS}{without_zeros}" if Decimal(str(value)) < 0 else without_zeros
    return f"{signed}{NBSP}{unit}" if unit else signed


def phone(number: str, country: str) -> str:
    """076 123 456 inside `country` (ISO code), +233 24 123 4567 elsewhere; text that is no phone number is unchanged."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    if parsed.country_code != phonenumbers.country_code_for_region(country):
        formatted = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    else:
        formatted = _grouped(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL))
    return formatted.replace(" ", NBSP)


def _hospital_day(when: date) -> date:
    if not isinstance(when, datetime):
        return when
    return clock.local(when).date() if when.tzinfo else when.date()


def _whole_months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)


def _pairs(*pairs: tuple[int, str]) -> str:
    return " ".join(f"{number}{unit}" for number, unit in pairs if number)


def _grouped(national: str) -> str:
    groups = re.findall(r"\d+", national)
    return " ".join(re.sub(r"\d{3}(?=\d{3})", r"\g<0> ", group) if len(group) > 4 else group for group in groups)
