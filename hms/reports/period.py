"""Report periods: hospital days, the end day excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.text.dates import shift_date

PERIOD_LABELS = {"today": _l("Today"), "week": _l("This week"), "month": _l("This month")}


@dataclass(frozen=True)
class Period:
    """From the day `first` to before the day `until`, in a step of `unit`: days, weeks or months."""

    first: date
    until: date
    unit: str = "days"

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """Start and end as instants (UTC)."""
        return clock.day_bounds(self.first)[0], clock.day_bounds(self.until)[0]

    @property
    def last(self) -> date:
        """The last day."""
        return self.until - timedelta(days=1)

    def previous(self) -> Period:
        """The same days of the step before: 1 to 10 February for 1 to 10 March, Monday and Tuesday of last week.

        In a shorter month it ends with the month; days are those just before.
        """
        length = self.until - self.first
        first = self.first - length if self.unit == "days" else shift_date(self.first, -1, self.unit)
        return Period(first, min(first + length, self.first), self.unit)


def named_period(name: str, today: date) -> Period:
    """The period of the key `name`: "today", "week" (from Monday) or "month" (from the 1st), up to and including `today`."""
    weeks, months = (today - timedelta(days=today.weekday()), "weeks"), (today.replace(day=1), "months")
    first, unit = {"week": weeks, "month": months}.get(name, (today, "days"))
    return Period(first, today + timedelta(days=1), unit)


def free_period(first: date, last: date) -> Period:
    """The days from `first` to `last`, both included."""
    return Period(first, last + timedelta(days=1))
