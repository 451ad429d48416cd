"""Checks of high-alert medicines without a maximum, of one dose, and of the daily amount of a longer course.

Their lists are `data/high_alert.csv` (from the ISMP lists of high-alert medications) and `data/dose_limits.csv`; each line
there names its source.
"""

from __future__ import annotations

from decimal import Decimal

from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import ONCE, Dose
from hms.formulary.dosing.quantities import calculate_daily_milligrams, calculate_single_milligrams

from .alerts import CheckResult, SafetyAlert
from .knowledge import DoseLimit, Knowledge, Medicine
from .other_checks import format_weight, not_in_formulary

HIGH_ALERT, DOSE_LIMIT = "high_alert", "dose_limit"


def check_high_alert(medicine: Medicine, dose: Dose | None, knowledge: Knowledge) -> CheckResult:
    """A high-alert medicine without a recorded maximum is a stop: no other check can find a deadly dose of it."""
    if not medicine.ingredients and not medicine.classes:
        return not_in_formulary(HIGH_ALERT, (medicine,))
    alerts = []
    for group in knowledge.high_alert:
        named = tuple(name for name in medicine.ingredients if name in group.substances)
        is_family = bool(medicine.classes & group.classes)
        if not (named or is_family) or not group.covers(_route(medicine, dose)):
            continue
        if medicine.has_no_maximum or not set(named or medicine.ingredients or (None,)) <= set(medicine.max_daily_mg):
            template = N_(
                "%(medicine)s is a high-alert medicine (%(group)s) without a recorded maximum dose. "
                "Check amount, unit and route yourself."
            )
            message = Sentence(template, medicine=medicine.name, group=Sentence(group.name))
            alerts.append(SafetyAlert("stop", HIGH_ALERT, message, named or medicine.ingredients))
            break
    looked_up = Sentence(N_("%(medicine)s was looked up in the list of high-alert medicines."), medicine=medicine.name)
    return CheckResult.from_alerts(HIGH_ALERT, alerts, looked_up=looked_up)


def _route(medicine: Medicine, dose: Dose | None) -> str:
    """The route of the dose, else of the formulary's medicine; "" when it is not known."""
    if dose is not None:
        return dose.route
    return medicine.route if medicine.is_in_formulary else ""


def check_dose_limits(medicine: Medicine, dose: Dose | None, knowledge: Knowledge) -> CheckResult:
    """Compare one dose, and the daily amount of a course that is long enough, with the limits of each ingredient."""
    if not medicine.ingredients:
        return not_in_formulary(DOSE_LIMIT, (medicine,))
    route = _route(medicine, dose)
    limits = [limit for limit in knowledge.dose_limits if limit.covers(medicine.ingredients, route)]
    if not limits:
        message = N_("No limit for one dose of %(medicine)s is recorded. One dose was not compared.")
        return CheckResult.from_alerts(DOSE_LIMIT, (), looked_up=Sentence(message, medicine=medicine.name))
    single = dose and calculate_single_milligrams(dose, medicine.strength, medicine.unit, medicine.ingredients)
    if dose is None or single is None:
        template = N_("The amount of one dose of %(medicine)s cannot be calculated. Check the dose yourself.")
        return CheckResult.not_run(DOSE_LIMIT, Sentence(template, medicine=medicine.name))
    daily = calculate_daily_milligrams(dose, medicine.strength, medicine.unit, medicine.ingredients) or {}
    alerts = [alert for limit in limits if (alert := _alert(limit, dose, single, daily))]
    looked_up = Sentence(
        N_("One dose of %(medicine)s was compared with its limits: %(limits)s."),
        medicine=medicine.name,
        limits=", ".join(format_weight(limit.max_mg) for limit in limits),
    )
    return CheckResult.from_alerts(DOSE_LIMIT, alerts, looked_up=looked_up)


def _alert(limit: DoseLimit, dose: Dose, single: dict[str, Decimal], daily: dict[str, Decimal]) -> SafetyAlert | None:
    if limit.kind == "single":
        amount, template = single[limit.ingredient], N_("%(amount)s of %(ingredient)s at once is more than %(most)s.")
    elif _lasts_longer(dose, limit.over_days):
        amount = daily.get(limit.ingredient, Decimal(0))
        template = N_("%(amount)s of %(ingredient)s a day for more than %(days)s days is more than %(most)s.")
    else:
        return None
    if amount <= limit.max_mg:
        return None
    values = {"ingredient": limit.ingredient, "most": format_weight(limit.max_mg), "days": limit.over_days}
    message = Sentence(template, amount=format_weight(amount), **values)
    return SafetyAlert("stop", DOSE_LIMIT, message, (limit.ingredient,))


def _lasts_longer(dose: Dose, days: int) -> bool:
    return dose.frequency_code != ONCE and (dose.days is None or dose.days > days)
