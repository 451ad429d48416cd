"""Report periods: hospital days, the end day excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l

from hms.core import clock

PERIOD_LABELS = {"today": _l("Today"), "week": _l("This week"), "month": _l("This month")}


@dataclass(frozen=True)
class Period:
    """From the day `first` to before the day `until`."""

    first: date
    until: date

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """Start and end as instants (UTC)."""
        return clock.day_bounds(self.first)[0], clock.day_bounds(self.until)[0]

    def previous(self) -> Period:
        """The period of the same length just before this one."""
        length = self.until - self.first
        return Period(self.first - length, self.first)


def named_period(name: str, today: date) -> Period:
    """The period of the key `name`: "today", "week" (from Monday) or "month" (from the 1st), up to and including `today`."""
    first = {"week": today - timedelta(days=today.weekday()), "month": today.replace(day=1)}.get(name, today)
    return Period(first, today + timedelta(days=1))
