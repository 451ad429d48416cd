"""Allergy and interaction checks of the API, without a prescription."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from hms.core.text.translation import N_, Sentence
from hms.formulary.medicines import queries as formulary
from hms.formulary.rule_book import current_rules
from hms.formulary.safety import allergy_check, interaction_check
from hms.formulary.safety.alerts import NO_RULES, CheckResult
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.other_checks import CurrentMedicine
from hms.patients.models import Patient

from . import patient_context

MAX_MEDICINES = 30


def _find_medicine(name: str) -> Medicine:
    product = formulary.find_medication_by_text(name)
    return Medicine.from_record(product) if product else medicine_from_text(name, current_rules.load_knowledge())


def check_allergy(patient: Patient, name: str) -> dict[str, Any]:
    """Return {"alert", "message", "outcome", "looked_up", "rules_version"}; `outcome` is fired, clear or could_not_run,
    `message` the reason.

    `alert` is true unless the check is clear: what could not be checked is no safe medicine.
    """
    check = allergy_check.check_allergies(
        _find_medicine(name), patient_context.allergy_entries(patient), current_rules.load_knowledge()
    )
    messages = [str(alert.message) for alert in check.alerts] + ([str(check.missing)] if check.missing else [])
    return {
        "alert": check.outcome != "clear",
        "message": " ".join(messages) or N_("No recorded allergy to this medicine."),
        "outcome": check.outcome,
        "looked_up": str(check.looked_up or ""),
        "rules_version": current_rules.load_knowledge().version,
    }


def check_interactions(names: Iterable[str]) -> dict[str, Any]:
    """Return {"interactions": [{"drugs", "severity", "description"}], "pairs": [{"drugs", "outcome", "looked_up",
    "not_checked"}], "not_checked": [names], "rules_version", "looked_up"}.

    A medicine that is not known is also an entry of `interactions`, with the severity "not_checked". `pairs` has each pair
    with the outcome fired, could_not_run, not_checked or clear; `not_checked` also names medicines without any rule.
    """
    knowledge = current_rules.load_knowledge()
    medicines = [_find_medicine(name) for name in names if name.strip()]
    unknown = [medicine.name for medicine in medicines if not knowledge.is_readable or not medicine.ingredients]
    pairs = [
        ([one.name, other.name], interaction_check.check_interactions(one, [CurrentMedicine(other)], knowledge))
        for one, other in combinations(medicines, 2)
    ]
    found = [
        {"drugs": drugs, "severity": alert.tier, "description": str(alert.message)}
        for drugs, check in pairs
        for alert in check.alerts
    ]
    message = (
        N_("%(medicine)s is not in the formulary. It was not checked.") if knowledge.is_readable else NO_RULES.message
    )
    found += _find_combinations(medicines, knowledge)
    found += [
        {"drugs": [name], "severity": "not_checked", "description": str(Sentence(message, medicine=name))}
        for name in unknown
    ]
    without_rule = [each.name for each in medicines if each.ingredients and not knowledge.has_rules_for(each)]
    known = [medicine.name for medicine in medicines if medicine.ingredients]
    return {
        "interactions": found,
        "pairs": [_pair_to_json(drugs, check) for drugs, check in pairs],
        "not_checked": list(dict.fromkeys((*unknown, *without_rule))),
        "rules_version": knowledge.version,
        "looked_up": str(interaction_check.describe_rules(known, knowledge) or ""),
    }


def _find_combinations(medicines: list[Medicine], knowledge: Knowledge) -> list[dict[str, Any]]:
    """What three or more of the medicines do together, each once."""
    alerts = {
        str(alert.message): ([each.name for each in taken], alert)
        for medicine in medicines
        for rule, taken in interaction_check.find_combinations(
            medicine, [other for other in medicines if other is not medicine], knowledge
        )
        for alert in [interaction_check.describe_combination(rule, taken)]
    }
    return [
        {"drugs": drugs, "severity": alert.tier, "description": str(alert.message)} for drugs, alert in alerts.values()
    ]


def _pair_to_json(drugs: list[str], check: CheckResult) -> dict[str, Any]:
    words = [str(each) for each in (check.missing, check.unknown) if each]
    return {
        "drugs": drugs,
        "outcome": check.outcome,
        "looked_up": str(check.looked_up or ""),
        "not_checked": " ".join(words),
    }
