"""The safety check as a whole, run by the same code when prescribing and when dispensing, and its overrides."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.formulary.dosing.doses import Dose

from .alerts import SafetyAlert, CheckResult
from .allergy_check import AllergyEntry, check_allergies, find_substances
from .knowledge import CLASS_PREFIX, Knowledge, Medicine
from .other_checks import CurrentMedicine, PatientFacts, check_age_and_pregnancy, check_dose, check_duplicates, check_interactions

OVERRIDE_REASONS: dict[str, str] = {
    "benefit_outweighs": _l("The benefit outweighs the risk"),
    "tolerated_before": _l("Taken before without harm"),
    "allergy_record_wrong": _l("The allergy record is wrong"),
    "no_alternative": _l("There is no alternative"),
    "other": _l("Another reason (write it)"),
}
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
    """All checks of one prescription line: allergy, interaction, duplicate, dose, age and pregnancy, in this order.

    `current` holds the patient's other medicines, the other lines of the same prescription included, not this line
    itself. `allergies` is None when nobody has asked.
    """
    others = tuple(current)
    return (
        check_allergies(medicine, allergies, knowledge),
        check_interactions(medicine, others, knowledge),
        check_duplicates(medicine, others, knowledge),
        check_dose(medicine, dose, person, others),
        check_age_and_pregnancy(medicine, person),
    )


def list_alerts(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """Every alert that fired, stops first."""
    fired = [alert for check in checks for alert in check.alerts]
    return sorted(fired, key=lambda alert: ("stop", "caution", "info").index(alert.tier))


def list_stops(checks: Iterable[CheckResult]) -> list[SafetyAlert]:
    """The alerts that block signing and dispensing until a reason is given."""
    return [alert for alert in list_alerts(checks) if alert.is_stop]


def check_override_reason(alerts: Iterable[SafetyAlert], reason_code: str, reason_text: str = "") -> None:
    """Raise `RuleBroken` (field `override_reason`) unless there is no stop, or one coded reason covers the stops.

    The reason "other" needs at least five characters of text.
    """
    blocking = [alert for alert in alerts if alert.is_stop]
    if not blocking:
        return
    if reason_code not in OVERRIDE_REASONS:
        raise RuleBroken(
            N_("%(alert)s Choose a reason to prescribe it anyway, or remove the line."),
            "override_reason",
            alert=blocking[0].message,
        )
    written = clean_field(reason_text, "override_reason", longest=MAX_REASON_LENGTH, multiline=True)
    if reason_code == "other" and len(written) < MIN_REASON_LENGTH:
        raise RuleBroken(N_("Enter a reason of at least 5 characters."), "override_reason")


def medicine_from_text(text: str, knowledge: Knowledge) -> Medicine:
    """A medicine written in free text; its ingredients are those that its words name, none when they are not known."""
    named = sorted(name for name in find_substances(text, knowledge) if not name.startswith(CLASS_PREFIX))
    classes = frozenset().union(*(knowledge.classes_of(name) for name in named))
    return Medicine(name=text, ingredients=tuple(named), classes=classes, is_in_formulary=False)
