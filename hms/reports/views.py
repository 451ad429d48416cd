"""Pages: the hospital's figures for a period."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.permissions import Permission
from hms.core.web import navigation
from hms.core.web.guard import current_person, requires

from . import queries
from .period import PERIOD_LABELS, Period, named_period

pages = Blueprint("reports", __name__, url_prefix="/reports")
navigation.add_entry(_l("Reports"), "reports.overview", Permission.READ_REVENUE, 70)


@pages.get("/")
@requires(Permission.READ_REPORTS)
def overview() -> str:
    """Figures of a period and of the previous one, limited to those that the person may see."""
    name = request.args.get("period", "month")
    chosen = named_period(name if name in PERIOD_LABELS else "month", clock.today())
    charts = {"by_doctor": queries.appointments_by_doctor(chosen)}
    if current_person().may(Permission.READ_CLINICAL_FIGURES):
        charts["medications"] = queries.top_medications(chosen)
    return render_template(
        "reports/overview.html",
        name=name,
        periods=PERIOD_LABELS,
        present=_figures(chosen),
        earlier=_figures(chosen.previous()),
        **charts,
    )


def _figures(over: Period) -> dict[str, object]:
    figures: dict[str, object] = {
        "visits": queries.visits(over),
        "new_patients": queries.new_patients(over),
        "wait": queries.median_wait_minutes(over),
    }
    if current_person().may(Permission.READ_REVENUE):
        figures |= {"billed": queries.billed(over), "received": queries.received(over)}
    return figures
