"""Data of the safety checks: medicines, substances, classes, cross-reactions and interactions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hms.core.text.cleaning import fold

from .medicine_facts import Medicine
from .rule_lines import Combination, DoseLimit, HighAlertGroup, IllnessRule, Interaction, KidneyRule, is_by_route

CLASS_PREFIX = "class:"
UNCONFIRMED = "source to be confirmed"
"""In the place of a source: every pharmacist would expect the rule, but nobody has read its source yet."""
_TRADE_MARKS = re.compile("[™®℠©]")


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
    """Medicines that act alike in an interaction; rules name it as `class:` and its code. No allergy goes by it.

    `watch_duplicates` says that two members together are a duplicate, unless one stays on skin, eye, ear or nose.
    """

    code: str
    name: str
    members: frozenset[str]
    watch_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class MedicineGroup:
    """Medicines of one use. Each substance is in one group; what was looked at and found harmless is noted by groups."""

    code: str
    name: str
    members: frozenset[str]


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
    that matters is known. `keys` are those of the lines, by the line.
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
    combinations: tuple[Combination, ...] = ()
    kidney_rules: tuple[KidneyRule, ...] = ()
    illness_rules: tuple[IllnessRule, ...] = ()
    is_readable: bool = True
    keys: Mapping[Any, str] = field(default_factory=dict)

    def key_of(self, rule: object) -> str:
        """The key of a line of the lists, under which its alerts are stored; "" of a rule that is in no list."""
        return self.keys.get(rule, "")

    def key_of_side(self, side: str) -> str:
        """The key of the class or family that a side names; "" for a substance."""
        return self._keys_of_families.get(side, "")

    @cached_property
    def _keys_of_families(self) -> dict[str, str]:
        return {CLASS_PREFIX + entry.code: self.key_of(entry) for entry in (*self.classes, *self.families)}

    @cached_property
    def class_by_code(self) -> dict[str, AllergyClass]:
        return {entry.code: entry for entry in self.classes}

    @cached_property
    def watched_families(self) -> dict[str, str]:
        """The names of the classes and families of which two members are a duplicate, by their sides."""
        families = {CLASS_PREFIX + entry.code: entry.name for entry in self.families if entry.watch_duplicates}
        classes = {CLASS_PREFIX + entry.code: entry.name for entry in self.classes if entry.watch_duplicates}
        return families | classes

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

    def find_kidney_rules(self, medicine: Medicine, route: str) -> list[KidneyRule]:
        """The rules about the kidneys for the medicine by `route`."""
        sides = self.sides_of(medicine)
        return [rule for rule in self.kidney_rules if rule.medicine in sides and is_by_route(rule.routes, route)]

    def find_illness_rules(self, medicine: Medicine, route: str) -> list[IllnessRule]:
        """The rules about illnesses for the medicine by `route`."""
        sides = self.sides_of(medicine)
        return [rule for rule in self.illness_rules if rule.medicines & sides and is_by_route(rule.routes, route)]

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
