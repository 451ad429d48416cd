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
UNCONFIRMED = "source to be confirmed"
"""In the place of a source: every pharmacist would expect the rule, but nobody has read its source yet."""
LOCAL_ROUTES = frozenset({"topical", "eye", "ear", "nasal"})
"""By these too little reaches the blood for most interactions."""
SWALLOWED = frozenset({"oral", ""})
ADULT_FROM = Decimal(18)
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
class MedicineFamily:
    """Medicines that act alike in an interaction; rules name it as `class:` and its code. No allergy goes by it."""

    code: str
    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class MedicineGroup:
    """Medicines of one use. Each substance is in one group; what was looked at and found harmless is noted by groups."""

    code: str
    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two medicines that harm together; each side is an ingredient or, with `class:` before it, the code of a family.

    `routes` "" leaves out a medicine that stays on skin, eye, ear or nose, "oral" asks that both are swallowed, "any" is
    every route. `mechanism` says why, `effect` what happens, `advice` what to do. `address` is where the source was read; without
    one, the source is still to be confirmed.
    """

    first: str
    second: str
    tier: str
    routes: str
    mechanism: str
    effect: str
    advice: str
    source: str
    address: str

    @property
    def words(self) -> str:
        return f"{self.effect} {self.advice}"

    @property
    def is_confirmed(self) -> bool:
        """Whether the passage of a source was read."""
        return bool(self.address)

    def covers(self, medicine: Medicine, other: Medicine) -> bool:
        """Whether the rule holds for the routes by which the two products are given."""
        routes = {medicine.route, other.route}
        if self.routes == "oral":
            return routes <= SWALLOWED
        return self.routes == "any" or not routes & LOCAL_ROUTES


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
    """The most of an ingredient: in one dose (`kind` "single"), in 24 hours ("daily"), in seven days ("weekly"), or in
    24 hours of a course of more than `over_days` days ("course"). Empty `routes` means every route.

    It holds from the age of `from_years` until below `below_years`, and is in `unit` (mg or units); where there is also an
    amount per kg, the smaller one counts.
    """

    ingredient: str
    kind: str
    routes: frozenset[str]
    from_years: Decimal | None
    below_years: Decimal | None
    over_days: int
    unit: str
    most: Decimal | None
    most_per_kg: Decimal | None
    source: str
    address: str

    def covers(self, ingredients: Sequence[str], route: str, age_years: Decimal | None) -> bool:
        """Whether the limit holds for a medicine with `ingredients` by `route` at this age; "" is an unknown route, None
        an unknown age, for which the limits of adults hold."""
        if self.ingredient not in ingredients or (route and self.routes and route not in self.routes):
            return False
        age = ADULT_FROM if age_years is None else age_years
        return (self.from_years or 0) <= age and (self.below_years is None or age < self.below_years)

    def find_most(self, weight_kg: Decimal | None) -> Decimal | None:
        """The most for a person of this weight; None when the weight is needed and unknown."""
        if self.most_per_kg is None:
            return self.most
        if weight_kg is None:
            return None
        by_weight = self.most_per_kg * weight_kg
        return by_weight if self.most is None else min(self.most, by_weight)


def without_trade_marks(text: str) -> str:
    """`text` without the signs for trade marks, which folding would make letters of the word before them."""
    return _TRADE_MARKS.sub(" ", text)


def normalize_words(text: str) -> str:
    """`text` folded, with single blanks for punctuation and one at both ends, so that " pen " finds only the whole word."""
    return f" {' '.join(re.findall(r'[a-z0-9]+', fold(without_trade_marks(text))))} "


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All lists of the safety checks. `version` is stored with every override.

    `harmless` are pairs of codes of `groups` whose medicines were looked at together: where no interaction is listed, none
    that matters is known.
    """

    version: str
    substances: tuple[Substance, ...]
    classes: tuple[AllergyClass, ...]
    cross_reactions: tuple[CrossReaction, ...]
    interactions: tuple[Interaction, ...]
    high_alert: tuple[HighAlertGroup, ...] = ()
    dose_limits: tuple[DoseLimit, ...] = ()
    families: tuple[MedicineFamily, ...] = ()
    groups: tuple[MedicineGroup, ...] = ()
    harmless: frozenset[frozenset[str]] = frozenset()
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

    def classes_for(self, medicine: Medicine) -> frozenset[str]:
        """The classes of the medicine's record and of its ingredients: a class may be newer than the record."""
        return medicine.classes.union(*(self.classes_of(name) for name in medicine.ingredients))

    def sides_of(self, medicine: Medicine) -> frozenset[str]:
        """All that a rule may call the medicine: ingredients, and its classes and families with `class:`."""
        named = (self._sides.get(name, frozenset()) for name in medicine.ingredients)
        classes = frozenset(CLASS_PREFIX + code for code in medicine.classes)
        return classes.union(medicine.ingredients, *named)

    def find_interactions(self, medicine: Medicine, other: Medicine) -> list[Interaction]:
        """The rules that name the two medicines, in either order, and hold for their routes."""
        others = self.sides_of(other)
        return [
            rule
            for side in self.sides_of(medicine)
            for opposite, rule in self._rules_by_side.get(side, ())
            if opposite in others and rule.covers(medicine, other)
        ]

    def has_rules_for(self, medicine: Medicine) -> bool:
        """Whether every ingredient is named by at least one interaction, itself or by a class."""
        return all({name, *self._sides.get(name, ())} & self._rules_by_side.keys() for name in medicine.ingredients)

    def were_looked_at(self, medicine: Medicine, other: Medicine) -> bool:
        """Whether somebody has looked at every ingredient of one together with every ingredient of the other."""
        return all(
            frozenset((self.group_of.get(one, ""), self.group_of.get(two, ""))) in self.harmless
            for one in medicine.ingredients
            for two in other.ingredients
        )

    @cached_property
    def limits_by_ingredient(self) -> dict[str, list[DoseLimit]]:
        by_key: dict[str, list[DoseLimit]] = {}
        for limit in self.dose_limits:
            by_key.setdefault(limit.ingredient, []).append(limit)
        return by_key

    @cached_property
    def group_of(self) -> dict[str, str]:
        """The code of the group of each substance."""
        return {member: group.code for group in self.groups for member in group.members}

    @cached_property
    def _rules_by_side(self) -> dict[str, list[tuple[str, Interaction]]]:
        by_key: dict[str, list[tuple[str, Interaction]]] = {}
        for rule in self.interactions:
            by_key.setdefault(rule.first, []).append((rule.second, rule))
            if rule.first != rule.second:
                by_key.setdefault(rule.second, []).append((rule.first, rule))
        return by_key

    @cached_property
    def _sides(self) -> dict[str, frozenset[str]]:
        by_key: dict[str, set[str]] = {}
        for entry in (*self.classes, *self.families):
            for member in entry.members:
                by_key.setdefault(member, set()).add(CLASS_PREFIX + entry.code)
        return {substance: frozenset(sides) for substance, sides in by_key.items()}

    @cached_property
    def _memberships(self) -> dict[str, frozenset[str]]:
        by_key: dict[str, set[str]] = {}
        for entry in self.classes:
            for member in entry.members:
                by_key.setdefault(member, set()).add(entry.code)
        return {substance: frozenset(codes) for substance, codes in by_key.items()}
