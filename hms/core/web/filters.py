"""Filters of lists on pages, which are in the address: a period of days, and the links that keep what was chosen."""

from __future__ import annotations

from datetime import date

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import Form

from hms.core import clock
from hms.core.text.dates import parse_recent_date
from hms.core.text.formatting import format_date

from .forms import ParsedField


def _day(text: str) -> date:
    return parse_recent_date(text, clock.today())


class DaysForm(Form):
    """A period of hospital days, both included."""

    day_from = ParsedField(_l("From"), parse=_day, show=format_date)
    day_to = ParsedField(_l("To"), parse=_day, show=format_date)


def filled_in(form: Form) -> dict[str, str]:
    """The filters of `form` in the address, for links to other pages of the list. Other parameters are left out, because
    `url_for` has parameters of its own with such names."""
    return {name: request.args[name] for name in form.data if request.args.get(name)}
