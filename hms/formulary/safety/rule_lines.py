"""Lines of the lists of rules: interactions, combinations, kidneys, illnesses, high-alert medicines, limits of doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .medicine_facts import ADULT_FROM, LOCAL_ROUTES, SWALLOWED, Medicine


class _EffectAndAdvice:
    """A rule that says what happens and what to do."""

    __slots__ = ()
    effect: str
    advice: str

    @property
    def words(self) -> str:
        return f"{self.effect} {self.advice}"


@dataclass(frozen=True, slots=True)
class Interaction(_EffectAndAdvice):
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
class Combination(_EffectAndAdvice):
    """Medicines of which three or more together harm. `parts` are sides as in an `Interaction`; each is another medicine, and
    a part that stands three times asks for three medicines. `covers` are the two sides of interactions of which it says all,
    when they are no worse. None of the medicines stays on skin, eye, ear or nose."""

    parts: tuple[str, ...]
    tier: str
    covers: frozenset[frozenset[str]]
    effect: str
    advice: str
    source: str
    address: str


@dataclass(frozen=True, slots=True)
class KidneyRule:
    """A medicine (or, with `class:`, a family) that needs another dose or may not be given when the kidneys work at less than
    `below` mL/min by `measure` ("crcl" or "egfr"). Empty `routes` leave out what stays on skin, eye, ear or nose."""

    medicine: str
    measure: str
    below: Decimal
    routes: frozenset[str]
    tier: str
    advice: str
    source: str
    address: str


@dataclass(frozen=True, slots=True)
class IllnessRule:
    """Medicines (with `class:` families) that harm people with an illness.

    `codes` are beginnings of ICD-10 codes, `words` name the illness where it has no code. Empty `routes` leave out what stays
    on skin, eye, ear or nose, "any" is every route.
    """

    medicines: frozenset[str]
    illness: str
    codes: frozenset[str]
    words: frozenset[str]
    routes: frozenset[str]
    tier: str
    effect: str
    advice: str
    source: str
    address: str


def is_by_route(routes: frozenset[str], route: str) -> bool:
    """Whether a rule with these `routes` holds for a medicine by `route`; "" is an unknown one."""
    if not routes:
        return route not in LOCAL_ROUTES
    return not route or "any" in routes or route in routes


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
