"""All safety checks of a medicine, for prescribing and dispensing, and the reasons to override their stops."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import Dose

from .alerts import NO_RULES, CheckResult, SafetyAlert
from .allergy_check import AllergyEntry, check_allergies, find_substances
from .dose_limits import check_dose_limits, check_high_alert
from .interaction_check import check_interactions
from .knowledge import CLASS_PREFIX, Knowledge, Medicine
from .other_checks import (
    CurrentMedicine,
    PatientFacts,
    check_age_and_pregnancy,
    check_dose,
    check_duplicates,
)

OVERRIDE_REASONS: dict[str, str] = {
    "benefit_outweighs": _l("The benefit outweighs the risk"),
    "tolerated_before": _l("Taken before without harm"),
    "allergy_record_wrong": _l("The allergy record is wrong"),
    "no_alternative": _l("There is no alternative"),
    "checked_by_hand": _l("Checked in a reference work"),
    "other": _l("Other reason (enter it)"),
}
NO_ILLNESSES = Sentence(
    N_("Kidneys, liver, breastfeeding and other illnesses were not compared: the lists have no rules for them.")
)
FIELD = "override_reason"
MIN_REASON_LENGTH = 5
MAX_REASON_LENGTH = 500


def check_medicine(
    medicine: Medicine,
    dose: Dose | None,
    person: PatientFacts,
    allergies: tuple[AllergyEntry, ...] | None,
    current: Iterable[CurrentMedicine],
    knowledge: Knowledge,
) -> tuple[CheckResult, ...]:
    """Run all checks of one prescription line: allergy, interaction, duplicate, high-alert medicine, dose, limits of one
    dose, age and pregnancy, in this order, and say that illnesses are not compared.

    `current` holds the patient's other medicines and the other lines of the same prescription, without this line.
    `allergies` is None when the patient was not asked.
    """
    if not knowledge.is_readable:
        return (CheckResult.not_run("rules", NO_RULES),)
    others = tuple(current)
    return (
        check_allergies(medicine, allergies, knowledge),
        check_interactions(medicine, others, knowledge),
        check_duplicates(medicine, others, knowledge),
        check_high_alert(medicine, dose, person, knowledge),
        check_dose(medicine, dose, person, others),
        check_dose_limits(medicine, dose, person, knowledge),
        check_age_and_pregnancy(medicine, person),
        CheckResult.from_alerts("illnesses", (), unknown=NO_ILLNESSES),
    )


def list_alerts(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """All alerts of the checks, stops first."""
    fired = [alert for check in checks for alert in check.alerts]
    return sorted(fired, key=lambda alert: ("stop", "caution", "info").index(alert.tier))


def list_stops(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """The alerts that block signing and dispensing until a reason is given."""
    return [alert for alert in list_alerts(checks) if alert.is_stop]


def list_serious(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """The interactions that need a reason before signing."""
    return [alert for alert in list_alerts(checks) if alert.is_serious]


def list_unchecked(checks: Iterable[CheckResult]) -> list[Sentence]:
    """What could not be checked and needs a reason before signing, each sentence once."""
    return list(dict.fromkeys(check.missing for check in checks if check.missing and check.needs_reason))


def check_unchecked_reason(unchecked: Iterable[Sentence], reason_code: str, reason_text: str = "") -> None:
    """Raise `RuleBroken` on `override_reason` when something could not be checked and there is no reason."""
    if gaps := list(unchecked):
        message = N_("%(gap)s This could not be checked. Check it yourself, then choose a reason to prescribe it.")
        _check_reason(reason_code, reason_text, RuleBroken(message, FIELD, code="not_checked", gap=gaps[0]))


def check_serious_reason(alerts: Iterable[SafetyAlert], reason_code: str, reason_text: str = "") -> None:
    """Raise `RuleBroken` on `override_reason` when there is a serious interaction and no reason."""
    if serious := list(alerts):
        message = N_("%(alert)s Choose a reason to prescribe both.")
        _check_reason(reason_code, reason_text, RuleBroken(message, FIELD, code="serious", alert=serious[0].message))


def check_override_reason(alerts: Iterable[SafetyAlert], reason_code: str, reason_text: str = "") -> None:
    """Raise `RuleBroken` on `override_reason` when there is a stop and `reason_code` is no key of `OVERRIDE_REASONS`.

    The reason "other" also needs `reason_text` of at least five characters.
    """
    if blocking := [alert for alert in alerts if alert.is_stop]:
        message = N_("%(alert)s Choose a reason to prescribe it anyway, or remove the line.")
        _check_reason(reason_code, reason_text, RuleBroken(message, FIELD, alert=blocking[0].message))


def _check_reason(code: str, text: str, without_reason: RuleBroken) -> None:
    """Raise `without_reason` when `code` is no reason, and `RuleBroken` for the reason "other" without an explanation."""
    if code not in OVERRIDE_REASONS:
        raise without_reason
    cleaned = clean_field(text, FIELD, longest=MAX_REASON_LENGTH, multiline=True)
    if code == "other" and len(cleaned) < MIN_REASON_LENGTH:
        raise RuleBroken(N_("Enter a reason of at least 5 characters."), FIELD, code="no_explanation")


def medicine_from_text(text: str, knowledge: Knowledge) -> Medicine:
    """A medicine from free text, with the ingredients that the text names; without any when none is known."""
    found = find_substances(text, knowledge)
    named = sorted(name for name in found if not name.startswith(CLASS_PREFIX))
    families = frozenset(name.removeprefix(CLASS_PREFIX) for name in found if name.startswith(CLASS_PREFIX))
    classes = families.union(*(knowledge.classes_of(name) for name in named))
    return Medicine(name=text, ingredients=tuple(named), classes=classes, is_in_formulary=False)
