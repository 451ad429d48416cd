"""Parse dates of birth and ages as typed at the front desk; ages for display."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from hms.core.errors import RuleBroken
from hms.core.text import dates
from hms.core.text.translation import N_

EARLIEST = date(1880, 1, 1)
OLDEST_YEARS = 140
UNUSUAL_YEARS = 110
_AGE = re.compile(r"(?P<count>[0-9]{1,4}) ?(?P<unit>[a-z]{0,6})\.?")
_AGE_PAIR = re.compile(r"(?P<years>[0-9]{1,3}) ?y[a-z]{0,4} ?(?P<months>[0-9]{1,2}) ?mo?[a-z]{0,5}")


@dataclass(frozen=True, slots=True)
class Birth:
    """A birth date; `is_estimated` when it came from an age, `is_unusual` when the person would be over 110."""

    day: date
    is_estimated: bool = False
    is_unusual: bool = False


def parse_birth_date(text: str, today: date, field: str = "date_of_birth") -> Birth:
    """The birth date in the typed text, day before month; raises `RuleBroken` on `field`."""
    typed = text.strip()
    if not typed:
        raise RuleBroken(N_("Enter a date of birth or an age."), field)
    if re.fullmatch(r"[0-9]{1,4}", typed):
        raise RuleBroken(
            N_("Enter the whole date, for example 27 3 2007. If only the age is known, enter the age."), field
        )
    return check_birth_date(dates.parse_past_date(typed, today, field), today, field)


def check_birth_date(day: date, today: date, field: str = "date_of_birth", *, is_estimated: bool = False) -> Birth:
    """`day` as a birth date; raises `RuleBroken` when it is in the future, before 1880 or more than 140 years ago."""
    if day > today:
        raise RuleBroken(N_("The date of birth is in the future. Check the year."), field)
    if day < EARLIEST or years_old(day, today) > OLDEST_YEARS:
        raise RuleBroken(N_("The date of birth is too long ago. Check the year."), field)
    return Birth(day, is_estimated, is_unusual=years_old(day, today) > UNUSUAL_YEARS)


def estimate_birth_date(text: str, today: date, unit: str = "years", field: str = "age") -> Birth:
    """An estimated birth date for an age: "35", "8 months", "3w", "2y 3m"; a bare number counts in `unit`.

    The estimate is the middle of the possible dates (1 July for years). Its age on `today` is the typed age.
    """
    typed = dates.normalize(text) if len(text) <= dates.MAX_TYPED_LENGTH else ""
    if pair := _AGE_PAIR.fullmatch(typed):
        return _estimated_birth(int(pair["years"]) * 12 + int(pair["months"]), "months", today, field)
    match = _AGE.fullmatch(typed.removeprefix("about ").removeprefix("approx").lstrip(". ~"))
    kind = dates.unit_of(match["unit"] or unit) if match else None
    if match is None or kind is None:
        raise RuleBroken(N_("Enter the age, for example 35, 8 months or 3 weeks."), field)
    return _estimated_birth(int(match["count"]), kind, today, field)


def _estimated_birth(count: int, unit: str, today: date, field: str) -> Birth:
    if unit == "years" and count == 0:
        raise RuleBroken(N_("For a child under one year, enter months, weeks or days, for example 8 months."), field)
    try:
        day = _middle_date(count, unit, today)
    except (OverflowError, ValueError):
        raise RuleBroken(N_("That age is too high. Check the number."), field) from None
    if day < EARLIEST or years_old(day, today) > OLDEST_YEARS:
        raise RuleBroken(N_("That age is too high. Check the number."), field)
    return Birth(day, is_estimated=True, is_unusual=years_old(day, today) > UNUSUAL_YEARS)


def _middle_date(count: int, unit: str, today: date) -> date:
    if unit == "years":
        july_first = date(today.year - count, 7, 1)
        return july_first if (today.month, today.day) >= (7, 1) else july_first.replace(year=july_first.year - 1)
    days_back = {"months": 14, "weeks": 3, "days": 0}[unit]
    return dates.shift_date(today, -count, unit) - timedelta(days=days_back)


def years_old(day: date, today: date) -> int:
    """Completed years; for people born on 29 February the birthday is 1 March in common years."""
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))
