"""Parses typed dates: `130391`, `13/3/1991`, `13 mar 91`, `22 nov`, `t`, `+3d`, `in 2 weeks`, `mon`.

The day always comes before the month, as on paper in the hospital; only the international formats 1991-03-13 and 19910313
begin with the year. Month names are English or French.
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
_FORMATS = (
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
YEARS_WITH_EVERY_DAY = 9
"""So many years one after the other have a 29 February among them, also around 1900 and 2100."""


@dataclass(frozen=True, slots=True)
class PartialDate:
    """Day and month, with the digits of the year as typed (`"91"`, `"1991"`) or None."""

    day: int
    month: int
    year: str | None

    def in_year(self, year: int) -> date | None:
        """The date in `year`; None when it does not exist (29 February)."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None


def month_number(word: str) -> int | None:
    """The month (1 to 12) whose name begins with `word`, of three letters or more; None when none or several do."""
    beginning = fold(word).rstrip(".")
    months = {n for n, names in enumerate(_MONTHS, 1) if any(name.startswith(beginning) for name in names)}
    return months.pop() if len(beginning) >= 3 and len(months) == 1 else None


def normalize(text: str) -> str:
    """`text` in lower case, without accents, with single blanks and none around separators."""
    folded = fold(unicodedata.normalize("NFKC", text).replace("−", "-").replace("–", "-"))
    return re.sub(r" ?([./,-]) ?", r"\1", folded)


def parse_partial_date(text: str, field: str | None = None) -> PartialDate:
    """The day, the month and, if typed, the year in `text`; `RuleBroken` at `field` when it is no date."""
    typed = normalize(text) if len(text) <= MAX_TYPED_LENGTH else ""
    for pattern in _FORMATS:
        if match := pattern.fullmatch(typed):
            return _checked_date(match, field)
    raise RuleBroken(UNREADABLE, field)


def _checked_date(match: re.Match[str], field: str | None) -> PartialDate:
    typed_month = match["m"]
    month = int(typed_month) if typed_month.isdigit() else month_number(typed_month)
    if month is None:
        raise RuleBroken(UNREADABLE, field)
    partial = PartialDate(int(match["d"]), month, match["y"])
    year = int(partial.year) if partial.year and len(partial.year) == 4 else 2000  # 2000 has a 29 February
    if partial.in_year(year) is None:
        raise RuleBroken(IMPOSSIBLE, field)
    return partial


def parse_past_date(text: str, today: date, field: str | None = None) -> date:
    """The latest date not after `today` that `text` can mean; `RuleBroken` at `field` when there is none.

    Without a year, "29 feb" is that of the last leap year.
    A year of two digits is in the last hundred years. A year of four digits is taken as typed, even in the future.
    """
    partial = parse_partial_date(text, field)
    if partial.year is None:
        years = [today.year - back for back in range(YEARS_WITH_EVERY_DAY)]
    elif len(partial.year) == 2:
        century = today.year - today.year % 100
        years = [century + int(partial.year), century - 100 + int(partial.year)]
    else:
        return _first_date([partial.in_year(int(partial.year))], field)
    return _first_date([day for y in years if (day := partial.in_year(y)) and day <= today], field)


def parse_upcoming_date(text: str, today: date, field: str | None = None) -> date:
    """The date of an appointment or a report, relative to `today`; `RuleBroken` at `field` when `text` is no date.

    Reads `t`, `y`, `tomorrow`, `+3d`, `-1w`, `in 2 weeks`, a weekday (the next one, never today) and dates. Without a year
    it is the next such day; two digits are a year of this century.
    """
    typed = normalize(text) if len(text) <= MAX_TYPED_LENGTH else ""
    day_words = {"t": 0, "today": 0, "now": 0, "y": -1, "yesterday": -1, "tom": 1, "tomorrow": 1}
    if typed in day_words:
        return _shifted_or_error(today, day_words[typed], "days", field)
    if (weekday := _weekday(typed)) is not None:
        return _shifted_or_error(today, (weekday - today.weekday() - 1) % 7 + 1, "days", field)
    if (match := _OFFSET.fullmatch(typed)) and (unit := unit_of(match["unit"])):
        count = int(match["count"])
        return _shifted_or_error(today, -count if match["sign"] == "-" else count, unit, field)
    return _next_date(parse_partial_date(text, field), today, field)


def _next_date(partial: PartialDate, today: date, field: str | None) -> date:
    if partial.year is None:
        candidates = [partial.in_year(today.year), partial.in_year(today.year + 1)]
        return _first_date([day for day in candidates if day and day >= today], field)
    year = int(partial.year) + (today.year - today.year % 100 if len(partial.year) == 2 else 0)
    return _first_date([partial.in_year(year)], field)


def _first_date(days: list[date | None], field: str | None) -> date:
    if not days or days[0] is None:
        raise RuleBroken(IMPOSSIBLE, field)
    return days[0]


def _weekday(word: str) -> int | None:
    numbers = [n for n, name in enumerate(_WEEKDAYS) if name.startswith(word)]
    return numbers[0] if len(word) >= 3 and len(numbers) == 1 else None


def unit_of(word: str) -> str | None:
    """`days`, `weeks`, `months` or `years` for d, day, days, w, wks, months, yr …; None otherwise."""
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))


def shift_date(day: date, count: int, unit: str) -> date:
    """`day` moved by `count` days, weeks, months or years; when the month is too short, its last day.

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
