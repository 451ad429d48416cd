"""The hospital's starting lists, read from `data/*.csv` once and kept; plain facts, no database.

The lists are a proposal: `data/README.md` says who has to sign them off.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from hms.core.money import Money
from hms.formulary.dosing.doses import Dose
from hms.formulary.safety.knowledge import AllergyClass, CrossReaction, Interaction, Knowledge, Medicine, Substance

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True, slots=True)
class CatalogueMedication:
    """One line of the formulary: a medicine in one strength and form, as it is stocked and sold by the `unit`.

    `key` is stable and unique. `unit_holds` says what a bottle, inhaler or multi-dose vial holds ("100 mL"), else "".
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
    """A usual dose that a prescriber can pick whole. `audience` is adult, child or any; `medication` is a key."""

    medication: str
    label: str
    audience: str
    dose: Dose


@dataclass(frozen=True, slots=True)
class Use:
    """A use, and the ingredients that may stand in for each other in it, the usual choice first."""

    name: str
    ingredients: tuple[str, ...]


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """The lines of `data/<name>.csv`."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


@cache
def load_medications() -> tuple[CatalogueMedication, ...]:
    return tuple(_medication(row) for row in read_rows("medications"))


@cache
def load_dose_sentences() -> tuple[CatalogueDose, ...]:
    return tuple(
        CatalogueDose(row["medication"], row["label"], row["audience"], _usual_dose(row))
        for row in read_rows("dose_sentences")
    )


@cache
def load_knowledge() -> Knowledge:
    """All that the safety checks know, with the version to write beside every override."""
    return Knowledge(
        version=(DATA / "rules_version.txt").read_text(encoding="utf-8").strip(),
        substances=tuple(
            Substance(row["name"], _split(row["aliases"]), _split(row["rxnorm"])) for row in read_rows("substances")
        ),
        classes=tuple(_allergy_class(row) for row in read_rows("allergy_classes")),
        cross_reactions=tuple(CrossReaction(**row) for row in read_rows("allergy_cross")),
        interactions=tuple(Interaction(**row) for row in read_rows("interactions")),
    )


@cache
def load_uses() -> tuple[Use, ...]:
    """What medicines are given for."""
    return tuple(Use(row["use"], _split(row["ingredients"])) for row in read_rows("alternatives"))


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
        ingredients=_split(row["ingredients"]),
        classes=frozenset(_split(row["classes"])),
        strength=row["strength"],
        unit=row["unit"],
        route=row["route"],
        has_no_maximum=row["max_daily_mg"] == "n/a",
        max_daily_mg=parse_limits(row["max_daily_mg"]),
        max_daily_mg_per_kg=parse_limits(row["max_daily_mg_per_kg"]),
        pregnancy=row["pregnancy"],
        min_age_years=_decimal(row["min_age_years"]),
        min_age_tier=row["min_age_tier"] or "caution",
    )


def parse_limits(text: str) -> dict[str, Decimal]:
    """Milligrams by ingredient from "artemether=160;lumefantrine=960"; nothing from "" and "n/a"."""
    pairs = (part.partition("=") for part in _split(text) if part != "n/a")
    return {ingredient: Decimal(most) for ingredient, _equals, most in pairs}


def _usual_dose(row: dict[str, str]) -> Dose:
    return Dose.of(
        Decimal(row["amount"]),
        row["unit"],
        row["route"],
        row["frequency"],
        as_needed=row["as_needed"] == "yes",
        max_per_day=_decimal(row["max_per_day"]),
        days=int(row["days"]) if row["days"] else None,
    )


def _allergy_class(row: dict[str, str]) -> AllergyClass:
    return AllergyClass(
        code=row["code"],
        name=row["name"],
        members=frozenset(_split(row["members"])),
        aliases=_split(row["aliases"]),
        is_allergy_class=row["is_allergy_class"] == "yes",
        same_class_tier=row["same_class_tier"],
        watch_duplicates=row["watch_duplicates"] == "yes",
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None
