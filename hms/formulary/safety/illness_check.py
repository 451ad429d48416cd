"""Check of a medicine against the patient's illnesses, pregnancy and breastfeeding. Its list is `data/illnesses.csv`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import Dose

from .alerts import CheckResult, SafetyAlert
from .knowledge import Knowledge, normalize_words
from .medicine_facts import Medicine
from .other_checks import PatientFacts
from .rule_lines import IllnessRule

RULE = "illnesses"
PREGNANT = "pregnant"
"""In the place of a code: the patient is pregnant. For medicines of which the formulary says nothing in pregnancy."""
PREGNANCY_CODES = ("O1", "O2", "O3", "O4", "O6", "O98", "O99", "Z32.1", "Z33", "Z34", "Z35")
"""Beginnings of the codes of a running pregnancy: not of one that ended early (O00-O08), nor of what follows a birth."""
PREGNANCY_WORDS = ("pregnant", "pregnancy", "enceinte", "grossesse")
_DENIED = re.compile(
    r" (?:(?:no|family) (?:history|hx)(?: of)?|fh(?: of)?|no (?:signs?|evidence) of"
    r"|screening for|ruled? out|no|not|without|pas d)"
    r"(?: (?:an?|any|known))?$"
)
"""Words that deny the illness when they stand directly before it."""
_CLAUSE = re.compile(r"[,.;:()\n]")
NO_RULE = N_("The list has no illness with which %(medicine)s was compared.")
NOT_LOOKED_UP = N_("The illnesses of the patient were not looked up, so %(medicine)s was compared with none.")


@dataclass(frozen=True, slots=True)
class Illness:
    """A recorded problem or diagnosis. `code` is its ICD-10 code, "" when it has none."""

    title: str
    code: str = ""


def check_illnesses(
    medicine: Medicine,
    dose: Dose | None,
    person: PatientFacts,
    illnesses: Sequence[Illness] | None,
    knowledge: Knowledge,
) -> CheckResult:
    """Compare the medicine with the recorded illnesses, by their ICD-10 codes, and by words where there is no code.

    `illnesses` is None when they were not looked up. Nothing recorded is not clear: it says that nothing was compared.
    """
    rules = knowledge.find_illness_rules(medicine, dose.route if dose else medicine.route)
    if not rules:
        return CheckResult.from_alerts(RULE, (), unknown=Sentence(NO_RULE, medicine=medicine.name))
    if illnesses is None:
        return CheckResult.from_alerts(RULE, (), unknown=Sentence(NOT_LOOKED_UP, medicine=medicine.name))
    found = {
        rule: [each.title for each in illnesses if _is_about(rule, each)] or _describe_pregnancy(rule, medicine, person)
        for rule in rules
    }
    alerts = [
        replace(_alert(medicine, rule, titles), line=knowledge.key_of(rule)) for rule, titles in found.items() if titles
    ]
    if not illnesses:
        message = N_("No illness is recorded, so %(medicine)s was compared with none.")
        return CheckResult.from_alerts(RULE, alerts, unknown=Sentence(message, medicine=medicine.name))
    return CheckResult.from_alerts(
        RULE, alerts, looked_up=_describe(medicine, illnesses, knowledge), unknown=_describe_uncoded(illnesses)
    )


def is_pregnancy(illness: Illness) -> bool:
    """Whether the problem or diagnosis says that the patient is pregnant."""
    return illness.code.startswith(PREGNANCY_CODES) if illness.code else _names(illness, PREGNANCY_WORDS)


def with_pregnancy(person: PatientFacts, illnesses: Sequence[Illness] | None) -> PatientFacts:
    """The patient as pregnant when one of the illnesses says so."""
    is_pregnant = person.sex != "male" and any(is_pregnancy(each) for each in illnesses or ())
    return replace(person, is_pregnant=True) if is_pregnant else person


def _is_about(rule: IllnessRule, illness: Illness) -> bool:
    return illness.code.startswith(tuple(rule.codes)) if illness.code else _names(illness, rule.words)


def _names(illness: Illness, words: Iterable[str]) -> bool:
    """Whether the title has one of the words without a denial directly before it."""
    clauses = [normalize_words(clause) for clause in _CLAUSE.split(illness.title)]
    return any(
        not _DENIED.search(clause[: match.start()])
        for clause in clauses
        for word in words
        for match in re.finditer(f" {re.escape(word)}(?= )", clause)
    )


def _describe_pregnancy(rule: IllnessRule, medicine: Medicine, person: PatientFacts) -> list[str]:
    is_meant = PREGNANT in rule.codes and bool(person.is_pregnant) and not medicine.pregnancy
    return [str(Sentence(N_("pregnancy")))] if is_meant else []


def _alert(medicine: Medicine, rule: IllnessRule, titles: Sequence[str]) -> SafetyAlert:
    message = N_("%(medicine)s with %(illness)s: %(effect)s")
    words = {"illness": ", ".join(dict.fromkeys(titles)), "effect": f"{rule.effect} {rule.advice}"}
    return SafetyAlert(rule.tier, RULE, Sentence(message, medicine=medicine.name, **words), medicine.ingredients)


def _describe(medicine: Medicine, illnesses: Sequence[Illness], knowledge: Knowledge) -> Sentence:
    message = N_("%(medicine)s was compared with the recorded illnesses (%(illnesses)s; version %(version)s).")
    names = ", ".join(dict.fromkeys(each.title for each in illnesses))
    return Sentence(message, medicine=medicine.name, illnesses=names, version=knowledge.version)


def _describe_uncoded(illnesses: Sequence[Illness]) -> Sentence | None:
    """That an illness without a code was compared by its words only; None when all have one."""
    uncoded = [each.title for each in illnesses if not each.code]
    if not uncoded:
        return None
    message = N_("%(illnesses)s has no ICD-10 code. Only its words were compared.")
    if len(uncoded) > 1:
        message = N_("%(illnesses)s have no ICD-10 code. Only their words were compared.")
    return Sentence(message, illnesses=", ".join(dict.fromkeys(uncoded)))
