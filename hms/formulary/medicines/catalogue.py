"""The hospital's starting lists, read once from `data/*.csv`.

The lists are a proposal: `data/README.md` says who must approve them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from hms.core.data_files import BROKEN, read_complete_rows, read_rows
from hms.core.money import Money
from hms.core.seldom_log import log_seldom
from hms.formulary.dosing.doses import Dose
from hms.formulary.dosing.routes import check_form_routes
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.rule_lists import LISTS, build_knowledge, read_decimal, split

DATA = Path(__file__).parents[1] / "data"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CatalogueMedication:
    """One line of the starting list: a medicine in one strength and form, stocked and sold by the `unit`.

    `key` is unique and never changes. `unit_holds` is the content of a bottle, inhaler or multi-dose vial ("100 mL"), else "".
    `price` is the selling price of one `unit`. `display_name` carries tall-man capitals where names look alike.
    """

    key: str
    brand_name: str
    formulation: str
    form: str
    unit: str
    unit_holds: str
    is_controlled: bool
    display_name: str
    reorder_level: int
    price: Money
    facts: Medicine

    @property
    def generic_name(self) -> str:
        return self.facts.name

    @property
    def strength(self) -> str:
        return self.facts.strength


@dataclass(frozen=True, slots=True)
class CatalogueDose:
    """A usual dose. `audience` is adult, child or any; `medication` is the key of a `CatalogueMedication`."""

    medication: str
    label: str
    audience: str
    dose: Dose


@dataclass(frozen=True, slots=True)
class Use:
    """A use, and the ingredients that may replace each other for it, the usual choice first."""

    name: str
    ingredients: tuple[str, ...]


def _rows(name: str) -> list[dict[str, str]]:
    """The lines of `data/<name>.csv`."""
    return read_rows(DATA / f"{name}.csv")


@cache
def load_medications() -> tuple[CatalogueMedication, ...]:
    return tuple(_medication(row) for row in _rows("medications"))


@cache
def load_dose_sentences() -> tuple[CatalogueDose, ...]:
    return tuple(
        CatalogueDose(row["medication"], row["label"], row["audience"], _usual_dose(row))
        for row in _rows("dose_sentences")
    )


UNREADABLE = Knowledge("unreadable", (), (), (), (), is_readable=False)
"""Stands in for lists that are missing or broken: with it, every check says that it did not run."""


def _log_error(message: str) -> None:
    """Log the error with its traceback; every page with a prescription meets it, so only once a minute."""
    log_seldom(log, message, message, level=logging.ERROR, exc_info=True)


def load_knowledge() -> Knowledge:
    """The lists of the safety checks as the program brings them, with their version; `UNREADABLE` while a file is missing or
    broken. What the hospital's pharmacists changed is in `rule_book/current_rules.py`."""
    try:
        return _read_knowledge()
    except BROKEN:
        _log_error("The files of the safety rules cannot be read. No safety check runs.")
        return UNREADABLE


def read_rule_rows() -> dict[str, list[dict[str, str]]]:
    """The lines of all lists of rules by list, as the program brings them; raises `BROKEN` for a file that is missing or
    cut off."""
    return {name: read_complete_rows(DATA / f"{name}.csv") for name in LISTS}


def read_rules_version() -> str:
    """The version of the lists that the program brings."""
    return (DATA / "rules_version.txt").read_text(encoding="utf-8").strip()


@cache
def _read_knowledge() -> Knowledge:
    check_form_routes()
    rows = {name: [(LISTS[name].key_of(cells), cells) for cells in lines] for name, lines in read_rule_rows().items()}
    return build_knowledge(read_rules_version(), rows)


def load_uses() -> tuple[Use, ...]:
    """The uses of medicines, with the ingredients for each; none while the file is missing or broken."""
    try:
        return _read_uses()
    except BROKEN:
        _log_error("The file of the uses of medicines cannot be read. No alternative is offered.")
        return ()


@cache
def _read_uses() -> tuple[Use, ...]:
    return tuple(Use(row["use"], split(row["ingredients"])) for row in _rows("alternatives"))


def _medication(row: dict[str, str]) -> CatalogueMedication:
    return CatalogueMedication(
        key=row["key"],
        brand_name=row["brand_name"],
        formulation=row["formulation"],
        form=row["form"],
        unit=row["unit"],
        unit_holds=row["unit_holds"],
        is_controlled=row["is_controlled"] == "yes",
        display_name=row["display_name"] or row["generic_name"],
        reorder_level=int(row["reorder_level"]),
        price=Money(row["price_sle"]),
        facts=_facts(row),
    )


def _facts(row: dict[str, str]) -> Medicine:
    return Medicine(
        name=row["generic_name"],
        other_names=tuple(brand for brand in (row["brand_name"],) if brand),
        ingredients=split(row["ingredients"]),
        classes=frozenset(split(row["classes"])),
        strength=row["strength"],
        unit=row["unit"],
        route=row["route"],
        has_no_maximum=row["max_daily_mg"] == "n/a",
        max_daily_mg=parse_limits(row["max_daily_mg"]),
        max_daily_mg_per_kg=parse_limits(row["max_daily_mg_per_kg"]),
        pregnancy=row["pregnancy"],
        min_age_years=read_decimal(row["min_age_years"]),
        min_age_tier=row["min_age_tier"] or "caution",
    )


def parse_limits(text: str) -> dict[str, Decimal]:
    """Milligrams by ingredient from "artemether=160;lumefantrine=960"; nothing from "" and "n/a"."""
    pairs = (part.partition("=") for part in split(text) if part != "n/a")
    return {ingredient: Decimal(maximum) for ingredient, _equals, maximum in pairs}


def _usual_dose(row: dict[str, str]) -> Dose:
    return Dose.from_frequency(
        Decimal(row["amount"]),
        row["unit"],
        row["route"],
        row["frequency"],
        as_needed=row["as_needed"] == "yes",
        max_per_day=read_decimal(row["max_per_day"]),
        days=int(row["days"]) if row["days"] else None,
    )
