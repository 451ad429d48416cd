"""Which groups of medicines the interactions cover, as the table of `docs/interaction-coverage.md`."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement

from .knowledge import CLASS_PREFIX, UNCONFIRMED, Knowledge, MedicineGroup

_HEAD = """# Which medicines the interactions cover

Made by `flask interaction-coverage` from `hms/formulary/data`; a test compares the two. Version {version}: {rules} rules
({stops} stops, {cautions} cautions, {infos} to know), {confirmed} with a source of which the passage was read, {named} with a
source that is only named, {unconfirmed} with the source still to be confirmed by a pharmacist.

A group has "a rule" with another when at least one medicine of each is joined by one: it does not say that every pair has
one. A pair without a rule is called clear only where its groups were "looked at"; everywhere else it is "not checked".

| group | a rule with | looked at, no other interaction that matters | not looked at |
|---|---|---|---|
"""


def write_coverage(knowledge: Knowledge) -> str:
    """The table in Markdown."""
    tiers = Counter(rule.tier for rule in knowledge.interactions)
    confirmed = sum(rule.is_confirmed for rule in knowledge.interactions)
    unconfirmed = sum(rule.source == UNCONFIRMED for rule in knowledge.interactions)
    head = _HEAD.format(
        version=knowledge.version,
        rules=len(knowledge.interactions),
        stops=tiers["stop"],
        cautions=tiers["caution"],
        infos=tiers["info"],
        confirmed=confirmed,
        named=len(knowledge.interactions) - confirmed - unconfirmed,
        unconfirmed=unconfirmed,
    )
    ruled = _find_ruled(knowledge)
    return head + "".join(_row(group, ruled, knowledge) for group in knowledge.groups)


def _find_ruled(knowledge: Knowledge) -> set[frozenset[str]]:
    """The pairs of groups that at least one rule joins."""
    sides = {group.code: group.members | _classes(group, knowledge) for group in knowledge.groups}
    return {
        frozenset((one, other))
        for one, other in combinations_with_replacement(sides, 2)
        for rule in knowledge.interactions
        if (rule.first in sides[one] and rule.second in sides[other])
        or (rule.second in sides[one] and rule.first in sides[other])
    }


def _classes(group: MedicineGroup, knowledge: Knowledge) -> frozenset[str]:
    families = (*knowledge.classes, *knowledge.families)
    return frozenset(CLASS_PREFIX + family.code for family in families if family.members & group.members)


def _row(group: MedicineGroup, ruled: set[frozenset[str]], knowledge: Knowledge) -> str:
    cells: tuple[list[str], list[str], list[str]] = ([], [], [])
    for other in knowledge.groups:
        pair = frozenset((group.code, other.code))
        if pair in ruled:
            cells[0].append(other.name)
        if pair in knowledge.harmless:
            cells[1].append(other.name)
        if pair not in ruled and pair not in knowledge.harmless:
            cells[2].append(other.name)
    return f"| **{group.name}** | " + " | ".join("; ".join(cell) or "–" for cell in cells) + " |\n"
