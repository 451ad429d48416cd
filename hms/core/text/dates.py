"""Days as people write them: `130391`, `13/3/1991`, `13 mar 91`, `22 nov`, `t`, `+3d`, `in 2 weeks`, `mon`.

The day always comes before the month, as on paper in the hospital; only the international form 1991-03-13 begins
with the year. Month names are English or French.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from hms.core.errors import RuleBroken

from .cleaning import fold
from .translation import N_

UNREADABLE = N_("Enter day, month and year, for example 27 3 2007.")
IMPOSSIBLE = N_("This date does not exist. Enter day, month and year, for example 27 3 2007.")

_MONTHS = (
    ("january", "janvier"),
    ("february", "fevrier"),
    ("march", "mars"),
    ("april", "avril"),
    ("may", "mai"),
    ("june", "juin"),
    ("july", "juillet"),
    ("august", "aout"),
    ("september", "septembre"),
    ("october", "octobre"),
    ("november", "novembre"),
    ("december", "decembre"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"d": "days", "day": "days", "w": "weeks", "wk": "weeks", "week": "weeks"} | {
    "m": "months",
    "mo": "months",
    "mth": "months",
    "month": "months",
    "y": "years",
    "yr": "years",
    "year": "years",
}
_FORMS = (
    re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})(?P<gap>[ ./-])(?P<m>[0-9]{1,2})(?:(?P=gap)(?P<y>[0-9]{4}|[0-9]{2}))?"),
    re.compile(
        r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?[ ./,-]?(?P<m>[a-z]{3,9})\.?(?:[ ./,-]{0,2}(?P<y>[0-9]{4}|[0-9]{2}))?"
    ),
    re.compile(
        r"(?P<m>[a-z]{3,9})\.?[ ./-]?(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?(?:[ ./,-]{1,2}(?P<y>[0-9]{4}|[0-9]{2}))?"
    ),
    re.compile(r"(?P<d>[0-9]{2})(?P<m>[0-9]{2})(?P<y>[0-9]{2})"),
    re.compile(r"(?P<d>[0-9]{2})(?P<m>[0-9]{2})(?P<y>(?:1[89]|20|21)[0-9]{2})"),
    re.compile(r"(?P<y>(?:1[89]|20|21)[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"),
)
_OFFSET = re.compile(r"(?P<sign>[+-]|in )? ?(?P<count>[0-9]{1,4}) ?(?P<unit>[a-z]{1,6})")
MAX_TYPED_LENGTH = 40


@dataclass(frozen=True, slots=True)
class PartialDate:
    """Day and month as written, with the year's digits as written (`"91"`, `"1991"`) or None."""

    day: int
    month: int
    year: str | None

    def in_year(self, year: int) -> date | None:
        """The day in `year`, or None where the calendar has none."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None


def month_number(word: str) -> int | None:
    """1..12 for the beginning of a month's name (three letters or more), None when it fits none or two."""
    name = fold(word).rstrip(".")
    fits = {n for n, names in enumerate(_MONTHS, 1) if any(known.startswith(name) for known in names)}
    return fits.pop() if len(name) >= 3 and len(fits) == 1 else None


def normalize(text: str) -> str:
    """What was typed in lower case, without accents, with single blanks and none around separators."""
    plain = fold(unicodedata.normalize("NFKC", text).replace("−", "-").replace("–", "-"))
    return re.sub(r" ?([./,-]) ?", r"\1", plain)


def parse_partial_date(text: str, field: str | None = None) -> PartialDate:
    """Day, month and perhaps year in `text`; `RuleBroken` on `field` when it is no day or can be read in two ways."""
    typed = normalize(text) if len(text) <= MAX_TYPED_LENGTH else ""
    for form in _FORMS:
        if found := form.fullmatch(typed):
            return _checked_date(found, field)
    raise RuleBroken(UNREADABLE, field)


def _checked_date(found: re.Match[str], field: str | None) -> PartialDate:
    written_month = found["m"]
    month = int(written_month) if written_month.isdigit() else month_number(written_month)
    if month is None:
        raise RuleBroken(UNREADABLE, field)
    day = PartialDate(int(found["d"]), month, found["y"])
    year = int(day.year) if day.year and len(day.year) == 4 else 2000  # 2000 has every day, 29 February too
    if day.in_year(year) is None:
        raise RuleBroken(IMPOSSIBLE, field)
    return day


def parse_past_date(text: str, today: date, field: str | None = None) -> date:
    """The latest day not after `today` that fits what was written; `RuleBroken` when none does.

    A year of two digits falls in the last hundred years. A year of four digits is taken as written, even in the future.
    """
    written = parse_partial_date(text, field)
    if written.year is None:
        years = [today.year, today.year - 1]
    elif len(written.year) == 2:
        century = today.year - today.year % 100
        years = [century + int(written.year), century - 100 + int(written.year)]
    else:
        return _first_date([written.in_year(int(written.year))], field)
    return _first_date([day for y in years if (day := written.in_year(y)) and day <= today], field)


def parse_upcoming_date(text: str, today: date, field: str | None = None) -> date:
    """The day meant on an appointment or a report, seen from `today`; `RuleBroken` on `field` when unreadable.

    Understands `t`, `y`, `tomorrow`, `+3d`, `-1w`, `in 2 weeks`, a weekday (the next one, never today) and written
    days. Without a year the next such day is meant; two digits are a year of this century.
    """
    typed = normalize(text) if len(text) <= MAX_TYPED_LENGTH else ""
    named = {"t": 0, "today": 0, "now": 0, "y": -1, "yesterday": -1, "tom": 1, "tomorrow": 1}
    if typed in named:
        return _shifted_or_error(today, named[typed], "days", field)
    if (weekday := _weekday(typed)) is not None:
        return _shifted_or_error(today, (weekday - today.weekday() - 1) % 7 + 1, "days", field)
    if (found := _OFFSET.fullmatch(typed)) and (unit := unit_of(found["unit"])):
        count = int(found["count"])
        return _shifted_or_error(today, -count if found["sign"] == "-" else count, unit, field)
    return _nearest_upcoming(parse_partial_date(text, field), today, field)


def _nearest_upcoming(written: PartialDate, today: date, field: str | None) -> date:
    if written.year is None:
        coming = [written.in_year(today.year), written.in_year(today.year + 1)]
        return _first_date([day for day in coming if day and day >= today], field)
    year = int(written.year) + (today.year - today.year % 100 if len(written.year) == 2 else 0)
    return _first_date([written.in_year(year)], field)


def _first_date(days: list[date | None], field: str | None) -> date:
    if not days or days[0] is None:
        raise RuleBroken(IMPOSSIBLE, field)
    return days[0]


def _weekday(word: str) -> int | None:
    fits = [n for n, name in enumerate(_WEEKDAYS) if name.startswith(word)]
    return fits[0] if len(word) >= 3 and len(fits) == 1 else None


def unit_of(word: str) -> str | None:
    """`days`, `weeks`, `months` or `years` for d, day, days, w, wks, months, yr …; None otherwise."""
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))


def shift_date(day: date, count: int, unit: str) -> date:
    """`day` moved by `count` days, weeks, months or years; a day the month lacks becomes its last.

    `OverflowError` or `ValueError` outside the calendar.
    """
    if unit in ("days", "weeks"):
        return day + timedelta(**{unit: count})
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _shifted_or_error(day: date, count: int, unit: str, field: str | None) -> date:
    try:
        return shift_date(day, count, unit)
    except (OverflowError, ValueError):
        raise RuleBroken(IMPOSSIBLE, field) from None


def end_of_month(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
