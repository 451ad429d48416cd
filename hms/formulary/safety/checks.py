"""All safety checks of a medicine, for prescribing and dispensing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hms.formulary.dosing.doses import Dose

from .alerts import NO_RULES, TIERS, CheckResult, SafetyAlert
from .allergy_check import AllergyEntry, check_allergies, find_substances
from .dose_limits import check_dose_limits, check_high_alert
from .illness_check import Illness, check_illnesses, with_pregnancy
from .interaction_check import check_interactions
from .kidney_check import check_kidneys
from .kidney_function import KidneyFacts
from .knowledge import CLASS_PREFIX, Knowledge
from .medicine_facts import Medicine
from .other_checks import (
    CurrentMedicine,
    PatientFacts,
    check_age_and_pregnancy,
    check_dose,
    check_duplicates,
)


def check_medicine(
    medicine: Medicine,
    dose: Dose | None,
    person: PatientFacts,
    allergies: tuple[AllergyEntry, ...] | None,
    current: Iterable[CurrentMedicine],
    knowledge: Knowledge,
    kidneys: KidneyFacts | None = None,
    illnesses: Sequence[Illness] | None = None,
) -> tuple[CheckResult, ...]:
    """Run all checks of one prescription line: allergy, interaction, duplicate, high-alert medicine, dose, limits of one
    dose, age and pregnancy, kidneys (of medicines for which they matter) and illnesses, in this order.

    `current` holds the patient's other medicines and the other lines of the same prescription, without this line.
    `allergies` is None when the patient was not asked; `kidneys` and `illnesses` are None when they were not looked up. An
    illness that is a pregnancy counts like the pregnancy of the vital signs.
    """
    if not knowledge.is_readable:
        return (CheckResult.not_run("rules", NO_RULES),)
    others, person = tuple(current), with_pregnancy(person, illnesses)
    found = (
        check_allergies(medicine, allergies, knowledge),
        check_interactions(medicine, others, knowledge),
        check_duplicates(medicine, others, knowledge),
        check_high_alert(medicine, dose, person, knowledge),
        check_dose(medicine, dose, person, others),
        check_dose_limits(medicine, dose, person, knowledge),
        check_age_and_pregnancy(medicine, person),
        check_kidneys(medicine, dose, person, kidneys, knowledge),
        check_illnesses(medicine, dose, person, illnesses, knowledge),
    )
    return tuple(check for check in found if check is not None)


def list_alerts(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """All alerts of the checks, stops first."""
    fired = [alert for check in checks for alert in check.alerts]
    return sorted(fired, key=lambda alert: TIERS.index(alert.tier))


def list_stops(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """The alerts that block signing and dispensing until a reason is given."""
    return [alert for alert in list_alerts(checks) if alert.is_stop]


def medicine_from_text(text: str, knowledge: Knowledge) -> Medicine:
    """A medicine from free text, with the ingredients that the text names; without any when none is known."""
    found = find_substances(text, knowledge)
    named = sorted(name for name in found if not name.startswith(CLASS_PREFIX))
    families = frozenset(name.removeprefix(CLASS_PREFIX) for name in found if name.startswith(CLASS_PREFIX))
    classes = families.union(*(knowledge.classes_of(name) for name in named))
    return Medicine(name=text, ingredients=tuple(named), classes=classes, is_in_formulary=False)
