"""Pages: the hospital's figures for a period."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web import navigation
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import Choice, Search, parameters

from .exports import FIGURES, figure_rows
from .forms import PeriodForm
from .labels import FIGURE_LABELS, PART_LABELS
from .overview import load_overview
from .period import PERIOD_LABELS, named_period

pages = Blueprint("reports", __name__, url_prefix="/reports")
navigation.add_entry(_l("Reports"), "reports.overview", Permission.READ_REVENUE, 70)


@pages.get("/")
@requires(Permission.READ_REPORTS)
def overview() -> ResponseReturnValue:
    """Figures of a period and of the previous one, limited to those that the person may see.

    The period has a name, or is any two days in the address.
    """
    form, name = PeriodForm(request.args), request.args.get("period", "month")
    is_valid = form.validate()
    over = form.period(name) if is_valid else named_period("month", clock.today())
    page = {"form": form, "periods": PERIOD_LABELS, "name": "" if form.has_days() else name}
    labels = {"labels": FIGURE_LABELS, "parts": PART_LABELS}
    figures = load_overview(over, current_person()) if is_valid else {}
    return render_template("reports/overview.html", over=over, **page, **labels, **figures), 200 if is_valid else 400


@requires(Permission.READ_REPORTS)
def export_figures() -> Response:
    """The figures of the page as a file. `RuleBroken` for a period that the page refuses."""
    form = PeriodForm(request.args)
    if not form.validate():
        raise RuleBroken(N_("Correct the period of the reports first."))
    over = form.period(request.args.get("period", "month"))
    return export_response(PageList.of([*figure_rows(load_overview(over, current_person()), over)]), dict)


offer_page_export(export_figures, FIGURES, parameters(period=Choice(PERIOD_LABELS), day_from=Search(), day_to=Search()))
