"""Page: which safety rules fired in a month, and which of them nobody follows."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.web.guard import requires
from hms.core.web.template_filters import short_month_names
from hms.formulary.rule_book import words
from hms.pharmacy.blueprints import pages

from . import alert_counts
from .alert_counts import Month

PERIODS = (1, 3, 12)
PAGE = 100


@pages.get("/rules/alerts")
@requires(Permission.READ_RULES)
def rule_alerts() -> str:
    """Alerts by rule and month: shown, overridden, the reasons; and the rules proposed for demotion."""
    month = _read_month()
    months = request.args.get("months", 1, type=int)
    months = months if months in PERIODS else 1
    counts = alert_counts.count_alerts(month, months)
    start = max(request.args.get("from", 0, type=int), 0)
    present = Month.of(clock.today())
    return render_template(
        "pharmacy/rules/alerts.html",
        rows=counts[start : start + PAGE],
        following=start + PAGE if len(counts) > start + PAGE else None,
        demotable=alert_counts.find_demotable(counts),
        month=str(month),
        months=months,
        periods={1: _("One month"), 3: _("Three months"), 12: _("Twelve months")},
        choices=[str(present.back(back)) for back in range(24)],
        least=alert_counts.DEMOTE_FROM,
        share=alert_counts.DEMOTE_ABOVE,
        shown=sum(each.shown for each in counts),
        tiers=words.TIER_LABELS,
        month_words=_month_words,
    )


def _month_words(month: str) -> str:
    """ "2026-11" as "Nov 2026"."""
    year, number = month.split("-")
    return f"{short_month_names()[int(number) - 1]} {year}"


def _read_month() -> Month:
    """The month of the address; the present one when it cannot be read."""
    try:
        return alert_counts.read_month(request.args.get("month"))
    except RuleBroken:
        return alert_counts.read_month(None)
