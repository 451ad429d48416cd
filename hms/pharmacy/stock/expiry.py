"""Parses expiry dates as printed on packs: `1127`, `11/27`, `nov27`, `30-Nov-2027`; a month means its last day."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from hms.core.errors import RuleBroken
from hms.core.text import dates
from hms.core.text.translation import N_

SOON_DAYS = 30
FURTHEST_YEARS = 20
_MONTH_FORMATS = (
    re.compile(r"(?P<m>0[1-9]|1[0-2])(?P<y>[0-9]{2})"),
    re.compile(r"(?P<m>[0-9]{1,2})[ ./-](?P<y>20[0-9]{2}|[0-9]{2})"),
    re.compile(r"(?P<m>0[1-9]|1[0-2])(?P<y>20[0-9]{2})"),
    re.compile(r"(?P<y>20[0-9]{2})[ ./-]?(?P<m>0[1-9]|1[0-2])"),
    re.compile(r"(?P<m>[a-z]{3,9})\.?[ ./-]?(?P<y>20[0-9]{2}|[0-9]{2})"),
)


class ExpiryStatus(StrEnum):
    """How near an expiry date is. The values are used in templates."""

    EXPIRED = "expired"
    SOON = "soon"
    NEAR = "near"
    FAR = "far"


def expiry(text: str, today: date, field: str = "expiry_date") -> date:
    """The last day of use. `RuleBroken` at `field` when `text` is no date or over 20 years ahead; past dates are allowed."""
    typed = dates.normalize(text) if len(text) <= dates.MAX_TYPED_LENGTH else ""
    day = _month_end(typed) or _whole_day(typed, field)
    if not 2000 <= day.year <= today.year + FURTHEST_YEARS:
        raise RuleBroken(N_("Check the year of the expiry date."), field)
    return day


def _month_end(typed: str) -> date | None:
    for pattern in _MONTH_FORMATS:
        if match := pattern.fullmatch(typed):
            month = int(match["m"]) if match["m"].isdigit() else dates.month_number(match["m"])
            return dates.end_of_month(2000 + int(match["y"][-2:]), month) if month in range(1, 13) else None
    return None


def _whole_day(typed: str, field: str) -> date:
    unreadable = RuleBroken(N_("Enter the expiry as month and year, for example 11/27 or Nov 2027."), field)
    try:
        partial = dates.parse_partial_date(typed, field)
    except RuleBroken:
        raise unreadable from None
    if partial.year is None:
        raise unreadable
    day = partial.in_year(int(partial.year) + (2000 if len(partial.year) == 2 else 0))
    if day is None:
        raise RuleBroken(dates.IMPOSSIBLE, field)
    return day


def check_received(expires: date | None, today: date, field: str = "expiry_date") -> None:
    """`RuleBroken` at `field` when the goods are expired."""
    if expires is not None and expires <= today:
        raise RuleBroken(N_("These goods are expired and cannot be received. Send them back."), field, code="expired")


def expiry_status(expires: date | None, today: date, near_days: int) -> ExpiryStatus:
    """Expired from the last day on, soon within `SOON_DAYS`, near within `near_days`; far without an expiry date."""
    if expires is None:
        return ExpiryStatus.FAR
    left = (expires - today).days
    if left <= 0:
        return ExpiryStatus.EXPIRED
    if left <= min(SOON_DAYS, near_days):
        return ExpiryStatus.SOON
    return ExpiryStatus.NEAR if left <= near_days else ExpiryStatus.FAR
