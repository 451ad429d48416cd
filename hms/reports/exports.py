"""The figures of a period as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _l

from hms.billing.enums import METHOD_LABELS
from hms.core.exports.columns import Column, ExportTable, amount, day
from hms.core.money import Money
from hms.core.text.translation import N_

from .labels import FIGURE_LABELS, PART_LABELS
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
        Column("earlier_number", N_("Number, previous period")),
        amount("earlier_amount", N_("Amount, previous period")),
    ),
)

_IN_MINUTES = {"wait": _l("Median wait in minutes")}
"""Where the page writes the unit beside the number."""


def figure_rows(overview: dict[str, Any], over: Period) -> Iterator[dict[str, Any]]:
    """The figures of `load_overview`, one in a row."""
    days = {"first": over.first, "last": over.last}
    for key, value in overview["present"].items():
        both = _value(value) | _value(overview["earlier"][key], "earlier_")
        yield days | {"part": _l("Figures"), "figure": _IN_MINUTES.get(key, FIGURE_LABELS[key])} | both
    for part, (title, unnamed) in PART_LABELS.items():
        for name, value in overview.get(part, ()):
            figure = METHOD_LABELS.get(name, name) if part == "by_method" else name or unnamed
            both = _value(value) | _value(None, "earlier_")
            yield days | {"part": title, "figure": figure} | both


def _value(value: Any, prefix: str = "") -> dict[str, Any]:
    is_money = isinstance(value, Money)
    return {f"{prefix}number": None if is_money else value, f"{prefix}amount": value if is_money else None}
