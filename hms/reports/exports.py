"""The figures of a period as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _l

from hms.billing.enums import METHOD_LABELS
from hms.core.exports.columns import Column, ExportTable, amount, day
from hms.core.money import Money
from hms.core.text.translation import N_

from .period import Period

FIGURES = ExportTable(
    "figures",
    N_("Reports"),
    (
        day("first", N_("From")),
        day("last", N_("To")),
        Column("part", N_("Report")),
        Column("figure", N_("Figure")),
        Column("number", N_("Number")),
        amount("amount", N_("Amount")),
        Column("earlier_number", N_("Number in the period before")),
        amount("earlier_amount", N_("Amount in the period before")),
    ),
)

_FIGURES = {
    "visits": _l("Visits"),
    "new_patients": _l("New patients"),
    "wait": _l("Median wait in minutes"),
    "billed": _l("Billed"),
    "received": _l("Received"),
}
_PARTS = {
    "by_doctor": (_l("Appointments by doctor"), ""),
    "by_department": (_l("Visits by department"), _l("No department")),
    "medicines": (_l("Most prescribed medicines"), ""),
    "diagnoses": (_l("Most frequent diagnoses"), ""),
    "by_method": (_l("Received by method"), ""),
    "by_payer": (_l("Billed by payer"), _l("Patients")),
    "by_service": (_l("Billed by service, before discounts"), _l("Other charges")),
}
"""The parts of the page, each with the label of what has no name."""


def figure_rows(overview: dict[str, Any], over: Period) -> Iterator[dict[str, Any]]:
    """The figures of `load_overview`, one in a row."""
    days = {"first": over.first, "last": over.last}
    for key, value in overview["present"].items():
        both = _value(value) | _value(overview["earlier"][key], "earlier_")
        yield days | {"part": _l("Figures"), "figure": _FIGURES[key]} | both
    for part, (label, blank) in _PARTS.items():
        for name, value in overview.get(part, ()):
            figure = METHOD_LABELS.get(name, name) if part == "by_method" else name or blank
            both = _value(value) | _value(None, "earlier_")
            yield days | {"part": label, "figure": figure} | both


def _value(value: Any, prefix: str = "") -> dict[str, Any]:
    is_money = isinstance(value, Money)
    return {f"{prefix}number": None if is_money else value, f"{prefix}amount": value if is_money else None}
