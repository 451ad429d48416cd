"""What a typed line says of a person beside names and numbers: sex, title, age, the month and year of birth."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from hms.core.errors import RuleBroken
from hms.core.text import dates
from hms.core.text.cleaning import fold
from hms.patients.identity import birth_dates

SEX_WORDS = dict.fromkeys(("m", "male", "man", "boy", "mr", "mister", "sir", "homme"), "male") | dict.fromkeys(
    ("f", "female", "woman", "girl", "lady", "mrs", "ms", "miss", "madam", "mme", "femme"), "female"
)
TITLES = ("dr", "prof", "rev", "revd", "hon", "pst", "pastor", "sr", "sis", "imam", "engr")
LABELS = ("born", "dob", "d.o.b", "sex", "phone", "tel", "age", "aged", "card", "patient", "name", "token")
"""Words of cards and slips, which name no person."""
_GUESS = r"(?:(?:about|abt|approx|approximately|circa|ca|c|est|estimated|around)[.]?\s*|~\s*)"
_END = r"(?=[\s),.;]|$)"
_AGE = re.compile(
    rf"(?<![^\s(]){_GUESS}?(?P<count>[0-9]{{1,3}})\s?"
    r"(?:(?P<years>y|yr|yrs|year|years|yo|y/o|ans?)(?:\s?(?P<more>[0-9]{1,2})\s?(?:m|mo|mth|mths|months?))?(?:\s?-?old)?"
    rf"|(?P<months>mo|mth|mths|months?|mois|(?<=[0-9])m)|(?P<weeks>wks?|weeks?|(?<=[0-9])w)|(?P<days>days?|(?<=[0-9])d)){_END}",
    re.IGNORECASE,
)
_MONTH_OF_YEAR = (
    re.compile(r"(?<![^\s(])(?P<month>[^\W\d_]{3,9})[ ./-]?(?P<year>(?:1[89]|20)[0-9]{2})(?=[\s),.;]|$)"),
    re.compile(r"(?<![^\s(])(?P<month>[0-9]{1,2})[./-](?P<year>(?:1[89]|20)[0-9]{2})(?=[\s),.;]|$)"),
    re.compile(r"(?<![^\s(])(?P<year>(?:1[89]|20)[0-9]{2})[./-](?P<month>[0-9]{1,2})(?=[\s),.;]|$)"),
)
_GUESSED_YEAR = re.compile(rf"(?<![^\s(]){_GUESS}(?=(?:1[89]|20)[0-9]{{2}}(?![0-9]))", re.IGNORECASE)
_WRONG_DATE = re.compile(r"(?<![^\s(])([0-9]{1,2})[./-]([0-9]{1,2})[./-]((?:1[89]|20)[0-9]{2})(?=[\s),.;]|$)")


class Days(NamedTuple):
    """The first and the last day on which the person may be born."""

    first: date
    last: date


class Age(NamedTuple):
    """An age as it was typed: so many years, months, weeks or days."""

    count: int
    unit: str


def find_age(typed: str, today: date) -> tuple[str, Age | None]:
    """The line without an age such as "52y", "3 months" or "aged 52 years", and the age."""
    for found in _AGE.finditer(typed):
        unit = next(name for name in ("years", "months", "weeks", "days") if found[name])
        count = int(found["count"])
        if found["more"]:
            unit, count = "months", count * 12 + int(found["more"])
        if born_at_age(count, unit, today) is not None:
            return _without(typed, found), Age(count, unit)
    return typed, None


def take_age(typed: str, today: date) -> tuple[str, Days | None]:
    """The line without an age, and the days of birth that it leaves."""
    rest, age = find_age(typed, today)
    return rest, born_at_age(*age, today) if age is not None else None


def born_at_age(count: int, unit: str, today: date) -> Days | None:
    """The days of birth of somebody who is `count` years (months, weeks, days) old; None when nobody is so old."""
    try:
        first = dates.shift_date(today, -(count + 1), unit) + timedelta(days=1)
        last = dates.shift_date(today, -count, unit)
    except (OverflowError, ValueError):
        return None
    return Days(first, last) if last >= birth_dates.EARLIEST else None


def take_month(typed: str, today: date) -> tuple[str, Days | None]:
    """The line without a month and year such as "mar 1974" or "03/1974", and the days of that month."""
    for form in _MONTH_OF_YEAR:
        for found in form.finditer(typed):
            try:
                first = birth_dates.parse_birth_date(f"1 {found['month']} {found['year']}", today).day
            except RuleBroken:
                continue
            return _without(typed, found), Days(first, first.replace(day=monthrange(first.year, first.month)[1]))
    return typed, None


def take_wrong_date(typed: str, today: date) -> tuple[str, date | None, int | None]:
    """The line without a date that does not exist: the date with day and month swapped where that one exists, else the year."""
    for found in _WRONG_DATE.finditer(typed):
        year = int(found[3])
        try:
            return (
                _without(typed, found),
                birth_dates.check_birth_date(date(year, int(found[1]), int(found[2])), today).day,
                None,
            )
        except (ValueError, RuleBroken):
            return _without(typed, found), None, year if birth_dates.EARLIEST.year <= year <= today.year else None
    return typed, None, None


def without_guess(typed: str) -> str:
    """The line without "about", "est." or "~" before a year."""
    return _GUESSED_YEAR.sub("", typed)


def sex_of(word: str) -> str | None:
    """`male` or `female` for a word such as "mr" or "woman"."""
    return SEX_WORDS.get(fold(word).strip(".,;:()"))


def is_title(word: str) -> bool:
    """Whether the word is a title that says no sex, or a label of a card."""
    plain = fold(word).strip(".,;:()")
    return plain in TITLES or plain in LABELS


def _without(typed: str, found: re.Match[str]) -> str:
    return f"{typed[: found.start()]} {typed[found.end() :]}"
