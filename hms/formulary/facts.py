"""From a row of the formulary to what the safety checks, the dose sentence and the supply need."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from hms.formulary.dosing import Dose, Part, sentence
from hms.formulary.knowledge import Medicine


class Product(Protocol):
    """A medicine's columns, as a record or as a row of a query."""

    name: str
    generic_name: str
    brand_name: str
    display_name: str
    form: str
    strength: str
    unit: str
    unit_holds: str
    route: str
    ingredients: list[str]
    classes: list[str]
    has_no_maximum: bool
    max_daily_mg: Mapping[str, Any]
    max_daily_mg_per_kg: Mapping[str, Any]
    pregnancy: str
    min_age_years: Decimal | None
    min_age_tier: str


class Usual(Protocol):
    """The columns of a dose sentence."""

    amount: Decimal
    unit: str
    route: str
    frequency: str
    as_needed: bool
    max_per_day: Decimal | None
    days: int | None


def medicine(row: Product) -> Medicine:
    """The medicine as the checks see it; one without ingredients was added by hand and is not known to them."""
    return Medicine(
        name=row.generic_name or row.name,
        ingredients=tuple(row.ingredients),
        classes=frozenset(row.classes),
        strength=row.strength,
        unit=row.unit,
        route=row.route,
        has_no_maximum=row.has_no_maximum,
        max_daily_mg=_limits(row.max_daily_mg),
        max_daily_mg_per_kg=_limits(row.max_daily_mg_per_kg),
        pregnancy=row.pregnancy,
        min_age_years=row.min_age_years,
        min_age_tier=row.min_age_tier,
        is_in_formulary=bool(row.ingredients),
    )


def _limits(stored: Mapping[str, Any]) -> dict[str, Decimal]:
    return {ingredient: Decimal(str(most)) for ingredient, most in stored.items()}


def usual_dose(row: Usual) -> Dose:
    """The dose of a stored dose sentence."""
    return Dose.of(
        row.amount.normalize() + 0,
        row.unit,
        row.route,
        row.frequency,
        as_needed=row.as_needed,
        max_per_day=row.max_per_day,
        days=row.days,
    )


def shown_name(row: Product) -> str:
    """The name as it is printed, with tall-man capitals where names look alike."""
    return row.display_name or row.generic_name or row.name


def form_strength(row: Product) -> str:
    """ "500 mg capsule"."""
    return " ".join(part for part in (row.strength, row.form) if part)


def full_name(row: Product) -> str:
    """ "amoxicillin 500 mg capsule": what prescriptions and bills call the product."""
    return " ".join(part for part in (row.generic_name or row.name, row.strength, row.form) if part)


def dose_sentence(row: Product, dose: Dose) -> tuple[Part, ...]:
    """The medicine with its dose, piece by piece, as every page shows it."""
    return sentence(shown_name(row), form_strength(row), dose, row.brand_name)
