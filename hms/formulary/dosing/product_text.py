"""From a row of the formulary to its dose, its names and the sentence that pages show."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from .doses import Dose, SentencePart, build_sentence


class Product(Protocol):
    """A medicine's naming columns, as a record or as a row of a query."""

    name: str
    generic_name: str
    brand_name: str
    display_name: str
    form: str
    strength: str


class StoredDose(Protocol):
    """The columns of a dose sentence."""

    amount: Decimal
    unit: str
    route: str
    frequency: str
    as_needed: bool
    max_per_day: Decimal | None
    days: int | None


def build_dose(row: StoredDose) -> Dose:
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


def build_dose_sentence(row: Product, dose: Dose) -> tuple[SentencePart, ...]:
    """The medicine with its dose, piece by piece, as every page shows it."""
    return build_sentence(shown_name(row), form_strength(row), dose, row.brand_name)
