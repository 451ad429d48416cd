"""Check for interactions, and what it says of pairs for which the lists have no rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hms.core.text.translation import N_, Sentence, joined

from .alerts import NO_RULES, TIERS, CheckResult, SafetyAlert, get_worst_alert
from .knowledge import CLASS_PREFIX, Knowledge
from .medicine_facts import LOCAL_ROUTES, Medicine
from .other_checks import CurrentMedicine, not_in_formulary
from .rule_lines import Combination, Interaction

RULE = "interaction"


def check_interactions(medicine: Medicine, current: Iterable[CurrentMedicine], knowledge: Knowledge) -> CheckResult:
    """Check `medicine` for interactions with the patient's other medicines; one alert for each of these, and one for each
    combination of three or more. Interactions of which a combination says all have no alert of their own.

    The result is clear only when each pair either has a rule or was looked at and found harmless.
    """
    if not knowledge.is_readable:
        return CheckResult.not_run(RULE, NO_RULES)
    others = {entry.medicine.name: entry.medicine for entry in current}
    others = {name: other for name, other in others.items() if not _has_same_ingredients(medicine, other)}
    together = list(find_combinations(medicine, list(others.values()), knowledge))
    found = {name: knowledge.find_interactions(medicine, other) for name, other in others.items()}
    without_rule = [other for name, other in others.items() if not found[name]]
    alerts = [
        _alert(medicine, others[name], rules, knowledge)
        for name, rules in _leave_parts_out(found, together).items()
        if rules
    ]
    missing = not_in_formulary(RULE, (medicine, *others.values()))
    return CheckResult.from_alerts(
        RULE,
        [
            *alerts,
            *(replace(describe_combination(rule, taken), line=knowledge.key_of(rule)) for rule, taken in together),
        ],
        missing.missing,
        looked_up=_describe_compared(medicine, tuple(others.values()), knowledge),
        unknown=_describe_unknown(medicine, without_rule, knowledge),
    )


def _has_same_ingredients(medicine: Medicine, other: Medicine) -> bool:
    """Two products with the same ingredients are a duplicate, not an interaction."""
    return bool(medicine.ingredients) and set(medicine.ingredients) == set(other.ingredients)


def find_combinations(
    medicine: Medicine, others: Sequence[Medicine], knowledge: Knowledge
) -> Iterator[tuple[Combination, tuple[Medicine, ...]]]:
    """The combinations of three or more that `medicine` is part of, each with its medicines."""
    for rule in knowledge.combinations:
        if taken := _find_taken(rule, medicine, others, knowledge):
            yield rule, taken


def _find_taken(
    rule: Combination, medicine: Medicine, others: Sequence[Medicine], knowledge: Knowledge
) -> tuple[Medicine, ...]:
    """All medicines that a part of `rule` names, `medicine` among them; none when `medicine` is no part or another part is
    missing."""
    taken = [
        each
        for each in (medicine, *others)
        if each.route not in LOCAL_ROUTES and not knowledge.sides_of(each).isdisjoint(rule.parts)
    ]
    if medicine not in taken:
        return ()
    return tuple(taken) if _can_fill(rule.parts, [knowledge.sides_of(each) for each in taken]) else ()


def _can_fill(parts: Sequence[str], sides: Sequence[frozenset[str]]) -> bool:
    """Whether each part has a medicine of its own, given as the sides of each."""
    if not parts:
        return True
    first, rest = parts[0], parts[1:]
    return any(
        first in named and _can_fill(rest, [*sides[:place], *sides[place + 1 :]]) for place, named in enumerate(sides)
    )


def describe_combination(rule: Combination, taken: Iterable[Medicine]) -> SafetyAlert:
    """The alert of a combination, in the same words whichever of its medicines is checked."""
    medicines = sorted(taken, key=lambda each: each.name)
    substances = tuple(name for each in medicines for name in each.ingredients)
    names = " + ".join(each.name for each in medicines)
    message = Sentence("%(names)s: %(effect)s", names=names, effect=rule.words)
    return SafetyAlert(rule.tier, RULE, message, substances)


def _leave_parts_out(
    found: dict[str, list[Interaction]], together: Sequence[tuple[Combination, tuple[Medicine, ...]]]
) -> dict[str, list[Interaction]]:
    """The rules of each pair without those that a combination with both medicines covers."""

    def is_part(name: str, rule: Interaction) -> bool:
        return any(
            {rule.first, rule.second} in each.covers
            and TIERS.index(each.tier) <= TIERS.index(rule.tier)
            and name in {one.name for one in taken}
            for each, taken in together
        )

    return {name: [rule for rule in rules if not is_part(name, rule)] for name, rules in found.items()}


def _alert(
    medicine: Medicine, other: Medicine, rules: Iterable[Interaction], knowledge: Knowledge
) -> SafetyAlert | None:
    """The most serious alert of the pair, in the same words from both sides."""
    substances = (*medicine.ingredients, *other.ingredients)
    one, two = sorted((medicine.name, other.name))
    return get_worst_alert(
        SafetyAlert(
            rule.tier,
            RULE,
            Sentence("%(one)s + %(other)s: %(effect)s", one=one, other=two, effect=rule.words),
            substances,
            knowledge.key_of(rule),
        )
        for rule in sorted(rules, key=_generality)
    )


def _generality(rule: Interaction) -> tuple[int, str]:
    """For sorting: what is said of the medicines themselves before what is said of their families."""
    return sum(side.startswith(CLASS_PREFIX) for side in (rule.first, rule.second)), rule.words


def _describe_compared(medicine: Medicine, others: Sequence[Medicine], knowledge: Knowledge) -> Sentence | None:
    if not others:
        return Sentence(N_("There is no other medicine to compare."))
    if not medicine.ingredients:
        return None
    return describe_rules([each.name for each in (medicine, *others) if each.ingredients], knowledge)


def describe_rules(names: list[str], knowledge: Knowledge) -> Sentence | None:
    """What was looked up for the medicines of these names; None when fewer than two are known."""
    if not knowledge.is_readable:
        return NO_RULES
    if len(names) < 2:
        return None
    message = N_("%(medicines)s were looked up in the list of %(count)s interactions (version %(version)s).")
    return Sentence(message, medicines=", ".join(names), count=len(knowledge.interactions), version=knowledge.version)


def _describe_unknown(medicine: Medicine, others: Iterable[Medicine], knowledge: Knowledge) -> Sentence | None:
    """What the lists do not know of the pairs for which no rule fired; None when all were looked at."""
    known = [other for other in others if other.ingredients and medicine.ingredients]
    pairs = [other for other in known if not knowledge.were_looked_at(medicine, other)]
    if not pairs:
        return None
    unnamed = [each.name for each in (medicine, *pairs) if not knowledge.has_rules_for(each)]
    sentences = [
        Sentence(N_("The list has no interaction of %(medicine)s."), medicine=name) for name in dict.fromkeys(unnamed)
    ]
    message = N_("%(medicine)s together with %(others)s is not in the list. It is not known to be safe.")
    sentences.append(Sentence(message, medicine=medicine.name, others=", ".join(other.name for other in pairs)))
    if any(each.route in LOCAL_ROUTES for each in (medicine, *pairs)):
        sentences.append(Sentence(N_("The list leaves out most of what stays on the skin or in eye, ear or nose.")))
    return joined(sentences)
