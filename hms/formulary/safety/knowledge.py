"""Data of the safety checks: medicines, substances, classes, cross-reactions and interactions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from hms.core.text.cleaning import fold

CLASS_PREFIX = "class:"
_TRADE_MARKS = re.compile("[™®℠©]")


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


@dataclass(frozen=True, slots=True)
class Substance:
    """An ingredient, other names people write for it, and its RxNorm codes."""

    name: str
    aliases: tuple[str, ...]
    rxnorm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllergyClass:
    """A family of substances. `same_class_tier` is the alert when one member is recorded and another prescribed."""

    code: str
    name: str
    members: frozenset[str]
    aliases: tuple[str, ...]
    is_allergy_class: bool
    same_class_tier: str
    watch_duplicates: bool


@dataclass(frozen=True, slots=True)
class CrossReaction:
    """People allergic to class `recorded` may react to class `prescribed`; `tier_if_severe` after a severe reaction."""

    recorded: str
    prescribed: str
    tier: str
    tier_if_severe: str
    note: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two medicines that harm together; each side is an ingredient or, with `class:` before it, a class code."""

    first: str
    second: str
    tier: str
    effect: str
    source: str

    def joins(self, medicine: Medicine, other: Medicine) -> bool:
        """Whether the two medicines are this pair, in either order."""
        return (_is_side(medicine, self.first) and _is_side(other, self.second)) or (
            _is_side(medicine, self.second) and _is_side(other, self.first)
        )


@dataclass(frozen=True, slots=True)
class HighAlertGroup:
    """Medicines that kill in a wrong dose; `routes` limits the group, empty means every route. `source` says who lists them."""

    name: str
    substances: frozenset[str]
    classes: frozenset[str]
    routes: frozenset[str]
    source: str

    def covers(self, route: str) -> bool:
        """Whether the group holds for `route`; "" is an unknown one."""
        return not route or not self.routes or route in self.routes


@dataclass(frozen=True, slots=True)
class DoseLimit:
    """The most of an ingredient: in one dose (`kind` "single"), or in a day when the course has more than `over_days`
    days ("course"). Empty `routes` means every route."""

    ingredient: str
    kind: str
    routes: frozenset[str]
    over_days: int
    max_mg: Decimal
    source: str

    def covers(self, ingredients: Sequence[str], route: str) -> bool:
        """Whether the limit holds for a medicine with `ingredients` by `route`; "" is an unknown one."""
        return self.ingredient in ingredients and (not route or not self.routes or route in self.routes)


def _is_side(medicine: Medicine, side: str) -> bool:
    if side.startswith(CLASS_PREFIX):
        return side.removeprefix(CLASS_PREFIX) in medicine.classes
    return side in medicine.ingredients


def without_trade_marks(text: str) -> str:
    """`text` without the signs for trade marks, which folding would make letters of the word before them."""
    return _TRADE_MARKS.sub(" ", text)


def normalize_words(text: str) -> str:
    """`text` folded, with single blanks for punctuation and one at both ends, so that " pen " finds only the whole word."""
    return f" {' '.join(re.findall(r'[a-z0-9]+', fold(without_trade_marks(text))))} "


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All lists of the safety checks. `version` is stored with every override."""

    version: str
    substances: tuple[Substance, ...]
    classes: tuple[AllergyClass, ...]
    cross_reactions: tuple[CrossReaction, ...]
    interactions: tuple[Interaction, ...]
    high_alert: tuple[HighAlertGroup, ...] = ()
    dose_limits: tuple[DoseLimit, ...] = ()
    is_readable: bool = True

    @cached_property
    def class_by_code(self) -> dict[str, AllergyClass]:
        return {entry.code: entry for entry in self.classes}

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        """Substances and classes (`class:` and their code) by every spelling, normalized by `normalize_words`."""
        by_key: dict[str, set[str]] = {}
        for substance in self.substances:
            for name in (substance.name, *substance.aliases):
                by_key.setdefault(normalize_words(name), set()).add(substance.name)
        for entry in self.classes:
            for name in entry.aliases:
                by_key.setdefault(normalize_words(name), set()).add(CLASS_PREFIX + entry.code)
        return {name: frozenset(meanings) for name, meanings in by_key.items()}

    @cached_property
    def by_rxnorm(self) -> dict[str, frozenset[str]]:
        by_key: dict[str, set[str]] = {}
        for substance in self.substances:
            for code in substance.rxnorm:
                by_key.setdefault(code, set()).add(substance.name)
        return {code: frozenset(meanings) for code, meanings in by_key.items()}

    @cached_property
    def spellings(self) -> dict[str, tuple[str, ...]]:
        """Names of one long word by their first letter, to which a misspelt word is compared."""
        by_key: dict[str, list[str]] = {}
        for name in self.names:
            if (word := name.strip()).isalpha() and len(word) >= 7:
                by_key.setdefault(word[0], []).append(word)
        return {letter: tuple(words) for letter, words in by_key.items()}

    def classes_of(self, substance: str) -> frozenset[str]:
        """Codes of the classes that `substance` belongs to."""
        return self._memberships.get(substance, frozenset())

    @cached_property
    def _memberships(self) -> dict[str, frozenset[str]]:
        by_key: dict[str, set[str]] = {}
        for entry in self.classes:
            for member in entry.members:
                by_key.setdefault(member, set()).add(entry.code)
        return {substance: frozenset(codes) for substance, codes in by_key.items()}
