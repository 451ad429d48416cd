"""By which routes a form can be given and how it is counted (`data/form_routes.csv`), and by which routes a medicine kills
(`data/fatal_routes.csv`).
An injection is not restricted by its form: it may also be swallowed.

A medicine in free text has the form that its name says ("Plugh capsules"). A form that the file does not name is not compared,
and the order says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_, Sentence

from .abbreviations import ROUTE_PHRASES
from .doses import ROUTES
from .strengths import COUNTED

DATA = Path(__file__).parents[1] / "data" / "form_routes.csv"
FATAL = DATA.with_name("fatal_routes.csv")
_ROUTE_OF = {phrase: code for code, phrases in ROUTE_PHRASES.items() for phrase in (code, *phrases)}
_INJECTED = ("intravenous", "intramuscular", "subcutaneous", "intradermal")
_INJECTED_WORD = re.compile(
    r"(?<![a-z0-9])("
    + "|".join(re.escape(phrase) for code in _INJECTED for phrase in (code, *ROUTE_PHRASES[code]))
    + r"|i\.v\.?|i\.m\.?|s\.c\.?)(?![a-z0-9])"
)


_COUNTED_INJECTED = frozenset({"ampoule", "vial", "syringe", "bag", "bottle"})
_INJECTION = re.compile(r"\b(?:inj|injections?|injectables?|infusions?|depot|amps?|ampoules?|ampules?|vials?)\b")


_DENIED = re.compile(r"\b(?:never|not|no|avoid)\b[^.;,]*", re.IGNORECASE)
"""What is written not to be done: "never intrathecal"."""


class FormedMedicine(Protocol):
    """The columns of a medicine that say its form."""

    form: str
    formulation: str


@cache
def _forms() -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """The routes by form, and the form by the words that people write for it."""
    rows = read_complete_rows(DATA)
    routes = {row["form"]: frozenset(row["routes"].split(";")) for row in rows}
    return routes, {words: row["form"] for row in rows for words in row["words"].split(";") if words}


@cache
def _counted_units() -> dict[str, frozenset[str]]:
    """What a dose of each form is counted in."""
    return {row["form"]: frozenset(row["counted"].split(";")) for row in read_complete_rows(DATA)}


@cache
def _form_words() -> re.Pattern[str]:
    longest_first = sorted(_forms()[1], key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


def _forms_of(product: FormedMedicine | None, name: str) -> list[str] | None:
    """The forms of a product, else those that its form in other words or the name of a free-text medicine says; None for an
    injection, whose routes are not restricted."""
    routes, form_by_words = _forms()
    form = "" if product is None else (product.form or product.formulation or "").lower()
    if form in routes:
        return [form]
    text = fold(form or name)
    if _INJECTION.search(text):
        return None
    return [form_by_words[words] for words in dict.fromkeys(_form_words().findall(text))]


@cache
def _fatal_routes() -> tuple[tuple[re.Pattern[str], frozenset[str], re.Pattern[str]], ...]:
    """For each line of the file: the names of the medicines, and the routes and words by which they kill."""
    return tuple(
        (_any_of(row["medicines"], re.IGNORECASE), frozenset(row["routes"].split(";")), _fatal_words(row["words"]))
        for row in read_complete_rows(FATAL)
    )


def _any_of(listed: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed.split(';')))})(?!\w)", flags)


def _fatal_words(listed: str) -> re.Pattern[str]:
    """Words in any case and with any ending ("intrathecally"); an abbreviation alone and in capitals, because "it" is a
    word."""
    words = "|".join(re.escape(word) if word.isupper() else rf"(?i:{re.escape(word)})\w*" for word in listed.split(";"))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def check_fatal_route(names: Iterable[str], route: str, text: str) -> None:
    """Raise `RuleBroken` on `route` when one of `names` is a medicine that kills by `route`, or by one that `text` names. No
    reason helps against it. `text` is all that was written about how to give it, beside the names."""
    try:
        lines = _fatal_routes()
    except BROKEN:
        return  # the safety checks say that the files cannot be read
    named = " ; ".join(names)
    wanted = _DENIED.sub("", f"{named} ; {text}")
    for medicines, routes, words in lines:
        if (found := medicines.search(named)) and (route in routes or words.search(wanted)):
            message = N_("%(medicine)s kills when it is given so. Choose another route.")
            raise RuleBroken(message, "route", code="fatal_route", medicine=found[0])


def check_form_routes() -> None:
    """Read the file, so that a missing or broken one is found with the other rules."""
    if not _forms()[0]:
        raise ValueError("form_routes.csv is empty")
    _fatal_routes()


def read_route(text: str) -> str:
    """The key of `ROUTES` for a word such as "IV"; "" for "". Raises `RuleBroken` on `route` for an unknown word."""
    word = " ".join(text.lower().replace(".", "").split())
    if not word or word in ROUTES:
        return word
    if word not in _ROUTE_OF:
        raise RuleBroken(N_("Choose the route, for example oral."), "route")
    return _ROUTE_OF[word]


def check_route(product: FormedMedicine | None, route: str, text: str = "", *, name: str = "") -> bool:
    """Raise `RuleBroken` on `route` when the form of the medicine cannot be given by `route`, nor by one that `text` names.
    Returns False when there is a route but the form is not known, so that nothing was compared.

    The form is that of `product`, else the one that `name` says. `text` is searched for routes by injection only, because
    it may not be a readable dose.
    """
    try:
        forms = _forms_of(product, name)
        possible = frozenset[str]().union(*(_forms()[0][form] for form in forms or ()))
    except BROKEN:
        return True  # the safety checks say that the files cannot be read
    if forms is None:
        return True
    named = [_ROUTE_OF[word.replace(".", "")] for word in _INJECTED_WORD.findall(text.lower())]
    if not forms:
        return not (route or named)
    for wanted in (route, *named):
        if wanted and wanted not in possible:
            message = N_(
                "This form (%(form)s) cannot be given by this route (%(route)s). Choose another route or form."
            )
            raise RuleBroken(message, "route", form=", ".join(forms), route=Sentence(ROUTES[wanted]))
    return True


def check_counted_unit(product: FormedMedicine, unit: str) -> None:
    """Raise `RuleBroken` on `dose` when the form of the medicine is not counted in `unit`: tablets of a syrup. Units that are
    measured (mg, mL) and forms that the file does not name are not compared."""
    if unit not in COUNTED:
        return
    try:
        forms = _forms_of(product, "")
        possible = frozenset[str]().union(*(_counted_units()[form] for form in forms or ()))
    except BROKEN:
        return  # the safety checks say that the files cannot be read
    if forms is None:
        forms, possible = ["injection"], _COUNTED_INJECTED
    if forms and unit not in possible:
        message = N_("A dose of this form (%(form)s) is not counted in %(unit)s. Enter it in mg, mL or another unit.")
        raise RuleBroken(message, "dose", form=", ".join(forms), unit=COUNTED[unit])
