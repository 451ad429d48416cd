"""Check for interactions, and what it says of pairs for which the lists have no rule."""

from __future__ import annotations

from collections.abc import Iterable

from hms.core.text.translation import N_, Sentence, joined

from .alerts import NO_RULES, CheckResult, SafetyAlert, get_worst_alert
from .knowledge import LOCAL_ROUTES, Knowledge, Medicine
from .other_checks import CurrentMedicine, not_in_formulary

RULE = "interaction"


def check_interactions(medicine: Medicine, current: Iterable[CurrentMedicine], knowledge: Knowledge) -> CheckResult:
    """Check `medicine` for interactions with the patient's other medicines; one alert for each of these.

    The result is clear only when each pair either has a rule or was looked at and found harmless.
    """
    if not knowledge.is_readable:
        return CheckResult.not_run(RULE, NO_RULES)
    others = {entry.medicine.name: entry.medicine for entry in current}
    others = {name: other for name, other in others.items() if not _has_same_ingredients(medicine, other)}
    alerts = {name: alert for name, other in others.items() if (alert := _find_alert(medicine, other, knowledge))}
    without_rule = [other for name, other in others.items() if name not in alerts]
    missing = not_in_formulary(RULE, (medicine, *others.values()))
    return CheckResult.from_alerts(
        RULE,
        alerts.values(),
        missing.missing,
        looked_up=_describe_compared(medicine, others.values(), knowledge),
        unknown=_describe_unknown(medicine, without_rule, knowledge),
    )


def _has_same_ingredients(medicine: Medicine, other: Medicine) -> bool:
    """Two products with the same ingredients are a duplicate, not an interaction."""
    return bool(medicine.ingredients) and set(medicine.ingredients) == set(other.ingredients)


def _find_alert(medicine: Medicine, other: Medicine, knowledge: Knowledge) -> SafetyAlert | None:
    """The most serious alert of the pair."""
    substances = (*medicine.ingredients, *other.ingredients)
    return get_worst_alert(
        SafetyAlert(
            rule.tier,
            RULE,
            Sentence("%(one)s + %(other)s: %(effect)s", one=medicine.name, other=other.name, effect=rule.words),
            substances,
        )
        for rule in knowledge.find_interactions(medicine, other)
    )


def _describe_compared(medicine: Medicine, others: Iterable[Medicine], knowledge: Knowledge) -> Sentence:
    known = [each.name for each in (medicine, *others) if each.ingredients]
    return describe_rules(known if medicine.ingredients else [], knowledge)


def describe_rules(names: list[str], knowledge: Knowledge) -> Sentence:
    """What was looked up for the medicines of these names."""
    if not knowledge.is_readable:
        return NO_RULES
    if len(names) < 2:
        return Sentence(N_("There is no other medicine to compare."))
    message = N_(
        "%(medicines)s were looked up among the %(count)s interactions of version %(version)s that name two substances or "
        "their classes. A pair without a rule is not known to be safe."
    )
    return Sentence(message, medicines=", ".join(names), count=len(knowledge.interactions), version=knowledge.version)


def _describe_unknown(medicine: Medicine, others: Iterable[Medicine], knowledge: Knowledge) -> Sentence | None:
    """What the lists do not know of the pairs for which no rule fired; None when all were looked at."""
    known = [other for other in others if other.ingredients and medicine.ingredients]
    pairs = [other for other in known if not knowledge.were_looked_at(medicine, other)]
    if not pairs:
        return None
    unnamed = [each.name for each in (medicine, *pairs) if not knowledge.has_rules_for(each)]
    sentences = [
        Sentence(N_("There is no rule for %(medicine)s in this list."), medicine=name)
        for name in dict.fromkeys(unnamed)
    ]
    message = N_("No rule joins %(medicine)s and %(others)s.")
    sentences.append(Sentence(message, medicine=medicine.name, others=", ".join(other.name for other in pairs)))
    if any(each.route in LOCAL_ROUTES for each in (medicine, *pairs)):
        sentences.append(Sentence(N_("Most rules leave out what stays on the skin or in eye, ear or nose.")))
    return joined(sentences)
