"""By which routes a form can be given, from `data/form_routes.csv`. An injection is not restricted: it may also be swallowed.

A form that the file does not name is not compared.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Protocol

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence

from .abbreviations import ROUTE_PHRASES
from .doses import ROUTES

DATA = Path(__file__).parents[1] / "data" / "form_routes.csv"
_ROUTE_OF = {phrase: code for code, phrases in ROUTE_PHRASES.items() for phrase in (code, *phrases)}
_INJECTED = ("intravenous", "intramuscular", "subcutaneous", "intradermal")
_INJECTED_WORD = re.compile(
    r"(?<![a-z0-9])("
    + "|".join(re.escape(phrase) for code in _INJECTED for phrase in (code, *ROUTE_PHRASES[code]))
    + r"|i\.v\.?|i\.m\.?|s\.c\.?)(?![a-z0-9])"
)


class FormedMedicine(Protocol):
    """The columns of a medicine that say its form."""

    form: str
    formulation: str


@cache
def _routes_by_form() -> dict[str, frozenset[str]]:
    with DATA.open(encoding="utf-8", newline="") as lines:
        return {row["form"]: frozenset(row["routes"].split(";")) for row in csv.DictReader(lines)}


def check_form_routes() -> None:
    """Read the file, so that a missing or broken one is found with the other rules."""
    if not _routes_by_form():
        raise ValueError("form_routes.csv is empty")


def read_route(text: str) -> str:
    """The key of `ROUTES` for a word such as "IV"; "" for "". Raises `RuleBroken` on `route` for an unknown word."""
    word = " ".join(text.lower().replace(".", "").split())
    if not word or word in ROUTES:
        return word
    if word not in _ROUTE_OF:
        raise RuleBroken(N_("Choose the route, for example oral."), "route")
    return _ROUTE_OF[word]


def check_route(product: FormedMedicine | None, route: str, text: str = "") -> None:
    """Raise `RuleBroken` on `route` when the form of `product` cannot be given by `route`, nor by one that `text` names.

    `text` is searched for routes by injection only, because it may not be a readable dose.
    """
    if product is None:
        return
    form = (product.form or product.formulation or "").lower()
    try:
        possible = _routes_by_form().get(form)
    except (OSError, ValueError, KeyError, AttributeError, csv.Error):
        return  # the safety checks say that the files cannot be read
    if possible is None:
        return
    named = [_ROUTE_OF[word.replace(".", "")] for word in _INJECTED_WORD.findall(text.lower())]
    for wanted in (route, *named):
        if wanted and wanted not in possible:
            message = N_(
                "This form (%(form)s) cannot be given by this route (%(route)s). Choose another route or form."
            )
            raise RuleBroken(message, "route", form=form, route=Sentence(ROUTES[wanted]))
