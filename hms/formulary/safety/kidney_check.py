"""Check of medicines that leave by the kidneys, or harm them, against how well the kidneys work.

Its list is `data/kidney.csv`; a medicine without a line there is not spoken of.
"""

from __future__ import annotations

from dataclasses import replace

from hms.core.text.formatting import quantity
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import Dose

from .alerts import TIERS, CheckResult, SafetyAlert
from .kidney_function import MEASURES, SCHWARTZ, KidneyFacts, KidneyFunction, estimate
from .knowledge import Knowledge
from .medicine_facts import Medicine
from .other_checks import PatientFacts
from .rule_lines import KidneyRule

RULE = "kidneys"
NOT_COMPARED = N_("%(medicine)s was not compared with the kidneys: %(why)s.")
NOT_LOADED = N_("the kidneys were not looked up here")


def check_kidneys(
    medicine: Medicine, dose: Dose | None, person: PatientFacts, kidneys: KidneyFacts | None, knowledge: Knowledge
) -> CheckResult | None:
    """Compare the medicine with the kidneys; None when no line of the list is about it. Without a recent creatinine the result
    is not_checked and says why."""
    rules = knowledge.find_kidney_rules(medicine, dose.route if dose else medicine.route)
    if not rules:
        return None
    if kidneys is None:
        return _not_compared(medicine, Sentence(NOT_LOADED))
    worst, gap, found = None, None, None
    for rule in rules:
        function = estimate(rule.measure, person, kidneys)
        if isinstance(function, Sentence):
            gap = function
            continue
        found = function
        if function.value < rule.below and (worst is None or _is_worse(rule, worst[0])):
            worst = (rule, function)
    looked_up = _describe(medicine, found, knowledge) if found else None
    alerts = [replace(_alert(medicine, *worst), line=knowledge.key_of(worst[0]))] if worst else []
    unknown = Sentence(NOT_COMPARED, medicine=medicine.name, why=gap) if gap else None
    return CheckResult.from_alerts(RULE, alerts, looked_up=looked_up, unknown=unknown)


def _is_worse(rule: KidneyRule, other: KidneyRule) -> bool:
    return (TIERS.index(rule.tier), rule.below) < (TIERS.index(other.tier), other.below)


def _not_compared(medicine: Medicine, why: Sentence) -> CheckResult:
    return CheckResult.from_alerts(RULE, (), unknown=Sentence(NOT_COMPARED, medicine=medicine.name, why=why))


def _words(function: KidneyFunction) -> dict[str, object]:
    """The words of an estimate. It is rounded down, so that what is below a limit is never shown as the limit."""
    measure, size = Sentence(MEASURES[function.measure]), function.size
    if size is not None:
        message = N_("%(measure)s with %(size)s of %(day)s")
        words = quantity(size.value, "cm" if function.measure == SCHWARTZ else "kg")
        measure = Sentence(message, measure=measure, size=words, day=size.measured_on.isoformat())
    return {"value": quantity(int(function.value)), "measure": measure}


def _alert(medicine: Medicine, rule: KidneyRule, function: KidneyFunction) -> SafetyAlert:
    message = N_(
        "%(medicine)s: the kidneys work at about %(value)s mL/min (%(measure)s, result of %(day)s), below %(below)s. %(advice)s"
    )
    words = _words(function) | {"day": function.measured_on.isoformat(), "below": quantity(rule.below)}
    return SafetyAlert(
        rule.tier, RULE, Sentence(message, medicine=medicine.name, advice=rule.advice, **words), medicine.ingredients
    )


def _describe(medicine: Medicine, function: KidneyFunction, knowledge: Knowledge) -> Sentence:
    message = N_(
        "%(medicine)s was compared with the kidneys: about %(value)s mL/min (%(measure)s; version %(version)s)."
    )
    return Sentence(message, medicine=medicine.name, version=knowledge.version, **_words(function))
