"""The period of the reports, in the address."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.dates import parse_recent_date, shift_date
from hms.core.text.formatting import format_date
from hms.core.text.translation import N_
from hms.core.web.forms import ParsedField

from .period import Period, free_period, named_period

LONGEST_YEARS = 5
FIRST_YEAR, LAST_YEAR = 1900, 2199


def _day(text: str) -> date:
    day = parse_recent_date(text, clock.today())
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise RuleBroken(N_("Enter a year from 1900 to 2199."))
    return day


class PeriodForm(Form):
    """Two days, both included. Without days the period has a name; with one day it is this day."""

    day_from = ParsedField(_l("From"), parse=_day, show=format_date)
    day_to = ParsedField(_l("To"), parse=_day, show=format_date)

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse days in the wrong order, and more than five years."""
        if not super().validate(extra_validators):
            return False
        first, last = self._days()
        if first is None:
            return True
        if last < first:
            return self._refuse(N_("The last day must not be before the first day."))
        if last >= shift_date(first, LONGEST_YEARS, "years"):
            return self._refuse(N_("Choose a period of at most five years."))
        return True

    def _refuse(self, message: str) -> bool:
        self.day_to.errors = [*self.day_to.errors, message]
        return False

    def _days(self) -> tuple[Any, Any]:
        return self.day_from.data or self.day_to.data, self.day_to.data or self.day_from.data

    def has_days(self) -> bool:
        """Whether days were entered."""
        return bool(self.day_from.typed or self.day_to.typed)

    def period(self, name: str) -> Period:
        """The chosen days; without any, the period of the key `name`."""
        first, last = self._days()
        return named_period(name, clock.today()) if first is None else free_period(first, last)
