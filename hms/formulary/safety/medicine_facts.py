"""The facts about one medicine that the safety checks use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

LOCAL_ROUTES = frozenset({"topical", "eye", "ear", "nasal"})
"""By these too little reaches the blood for most interactions."""
SWALLOWED = frozenset({"oral", ""})
ADULT_FROM = Decimal(18)


class MedicineRecord(Protocol):
    """The columns of a stored medicine that the checks need."""

    name: str
    generic_name: str
    brand_name: str
    ingredients: Sequence[str]
    classes: Sequence[str]
    strength: str
    unit: str
    route: str
    has_no_maximum: bool
    max_daily_mg: Mapping[str, object]
    max_daily_mg_per_kg: Mapping[str, object]
    pregnancy: str
    min_age_years: Decimal | None
    min_age_tier: str


@dataclass(frozen=True, slots=True)
class Medicine:
    """The facts about a medicine that the checks use.

    `classes` are codes of `AllergyClass`; `unit` is the unit that is dispensed (tablet, bottle …). `pregnancy` is "avoid",
    "caution" or "". Maximum doses are mg by ingredient, in 24 hours or per kg of weight in 24 hours; `has_no_maximum`
    says that none applies (fluids, creams, vaccines); an unknown maximum is an empty dict. `is_in_formulary` is False for
    a medicine in free text. `other_names` are its brand and other words for it.
    """

    name: str
    ingredients: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    strength: str = ""
    unit: str = "tablet"
    route: str = "oral"
    has_no_maximum: bool = False
    max_daily_mg: Mapping[str, Decimal] = field(default_factory=dict)
    max_daily_mg_per_kg: Mapping[str, Decimal] = field(default_factory=dict)
    pregnancy: str = ""
    min_age_years: Decimal | None = None
    min_age_tier: str = "caution"
    is_in_formulary: bool = True
    other_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that the medicine is called."""
        return (self.name, *self.other_names)

    @classmethod
    def from_record(cls, record: MedicineRecord, ordered_as: str = "") -> Medicine:
        """The facts of a stored medicine; its maximum doses may be text or numbers. `ordered_as` is what the order calls it."""
        name = record.generic_name or record.name
        others = dict.fromkeys((record.name, record.brand_name, ordered_as))
        return cls(
            other_names=tuple(other for other in others if other and other != name),
            name=name,
            ingredients=tuple(record.ingredients),
            classes=frozenset(record.classes),
            strength=record.strength,
            unit=record.unit,
            route=record.route,
            has_no_maximum=record.has_no_maximum,
            max_daily_mg=_limits(record.max_daily_mg),
            max_daily_mg_per_kg=_limits(record.max_daily_mg_per_kg),
            pregnancy=record.pregnancy,
            min_age_years=record.min_age_years,
            min_age_tier=record.min_age_tier,
        )


def _limits(stored: Mapping[str, object]) -> dict[str, Decimal]:
    return {ingredient: Decimal(str(maximum)) for ingredient, maximum in stored.items()}
