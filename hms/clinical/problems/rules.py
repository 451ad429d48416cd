"""When a problem began and ended: as a day, or as much as is known of it."""

from __future__ import annotations

import re
from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.dates import month_number, parse_past_date
from hms.core.text.translation import N_

EARLIEST_YEAR = 1900
_PARTIAL = re.compile(r"(?P<y>[12][0-9]{3})(?:-(?P<m>0[1-9]|1[0-2]))?")
_YEAR = re.compile(r"(?P<y>[0-9]{4})")
_MONTH = re.compile(
    r"(?P<m>[0-9]{1,2})[/.-](?P<y>[0-9]{4})|(?P<w>[^\W\d_]{3,12}) (?P<v>[0-9]{4})|(?P<z>[0-9]{4})-(?P<n>[0-9]{2})"
)


def parse_onset(text: str, today: date) -> tuple[date | None, str]:
    """The day in `text`, or what is known of it as "2019" or "2019-03"; nothing for a blank text. Raises `RuleBroken` on
    `onset`."""
    typed = " ".join(text.split())
    if not typed:
        return None, ""
    if match := _YEAR.fullmatch(typed):
        return None, _checked(int(match["y"]), None, today)
    if match := _MONTH.fullmatch(typed):
        month = int(match["m"] or match["n"] or 0) if not match["w"] else month_number(match["w"]) or 0
        if not 1 <= month <= 12:
            raise RuleBroken(
                N_("Enter the day, the month or the year, for example 12.3.2019, 3/2019 or 2019."), "onset"
            )
        return None, _checked(int(match["y"] or match["v"] or match["z"]), month, today)
    day = parse_past_date(typed, today, "onset")
    _check_day(day, today, "onset")
    return day, ""


def _checked(year: int, month: int | None, today: date) -> str:
    if not year >= EARLIEST_YEAR or (year, month or 1) > (today.year, today.month):
        raise RuleBroken(N_("Enter a time that is not in the future, and not before 1900."), "onset")
    return f"{year}" if month is None else f"{year}-{month:02}"


def first_day(onset: date | None, onset_text: str) -> date | None:
    """The first day on which a problem may have begun, of "2019" the first of January; None when it is not known."""
    match = _PARTIAL.fullmatch(onset_text)
    return onset if onset or not match else date(int(match["y"]), int(match["m"] or 1), 1)


def parse_end(text: str, onset: date | None, today: date) -> date:
    """The day in `text`, today when it is blank. Raises `RuleBroken` on `resolved_on`."""
    day = parse_past_date(text, today, "resolved_on") if text.strip() else today
    _check_day(day, today, "resolved_on")
    if onset is not None and day < onset:
        raise RuleBroken(N_("The problem cannot end before it began."), "resolved_on")
    return day


def _check_day(day: date, today: date, field: str) -> None:
    if day > today or day.year < EARLIEST_YEAR:
        raise RuleBroken(N_("Enter a time that is not in the future, and not before 1900."), field)
