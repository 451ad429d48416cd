"""Checks of high-alert medicines without a limit, of one dose, and of the amount in a day.

Their lists are `data/high_alert.csv` (from the ISMP lists of high-alert medications) and `data/dose_limits.csv`; each line
there names its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hms.core.text.translation import N_, Sentence, joined
from hms.formulary.dosing.doses import ONCE, Dose
from hms.formulary.dosing.quantities import calculate_daily_amounts, calculate_single_amounts
from hms.formulary.dosing.strengths import Amount, format_amount

from .alerts import CheckResult, SafetyAlert
from .knowledge import Knowledge
from .medicine_facts import Medicine
from .other_checks import CHILD_UNTIL, PatientFacts, format_weight, not_in_formulary
from .rule_lines import DoseLimit, HighAlertGroup

HIGH_ALERT, DOSE_LIMIT = "high_alert", "dose_limit"
WEEK = 7
UNKNOWN_WEIGHT = Sentence(N_("The dose per kg cannot be checked without a weight. Weigh the patient."))
UNREADABLE = N_(
    "%(medicine)s is a high-alert medicine (%(group)s) and its dose cannot be read. Check amount, unit and route yourself."
)
NO_LIMIT = N_(
    "%(medicine)s is a high-alert medicine (%(group)s) without a recorded maximum dose for this route, age and weight. "
    "Check amount, unit and route yourself."
)

NO_DAY = N_(
    "%(medicine)s is a high-alert medicine (%(group)s). Enter how much may be given in 24 hours, or check it yourself."
)


def check_high_alert(medicine: Medicine, dose: Dose | None, person: PatientFacts, knowledge: Knowledge) -> CheckResult:
    """A high-alert medicine is a stop when its dose cannot be read, or when no maximum is known for the route and for the
    patient's age and weight: no other check can find a deadly dose of it."""
    if not medicine.ingredients and not medicine.classes:
        return not_in_formulary(HIGH_ALERT, (medicine,))
    alerts = []
    group, named = find_high_alert_group(medicine, dose, knowledge)
    if group is not None:
        template = _find_gap(medicine, named, dose, person, knowledge)
        if template:
            message = Sentence(template, medicine=medicine.name, group=Sentence(group.name))
            alerts.append(SafetyAlert("stop", HIGH_ALERT, message, named, knowledge.key_of(group)))
    message = N_("%(medicine)s was looked up in the list of high-alert medicines (version %(version)s).")
    looked_up = Sentence(message, medicine=medicine.name, version=knowledge.version)
    return CheckResult.from_alerts(HIGH_ALERT, alerts, looked_up=looked_up)


def find_high_alert_group(
    medicine: Medicine, dose: Dose | None, knowledge: Knowledge
) -> tuple[HighAlertGroup | None, tuple[str, ...]]:
    """The group of high-alert medicines that the medicine is in by its route, and the ingredients for which it is."""
    classes = knowledge.classes_for(medicine)
    for group in knowledge.high_alert:
        named = tuple(name for name in medicine.ingredients if name in group.substances)
        if (named or classes & group.classes) and group.covers(_route(medicine, dose)):
            return group, named or medicine.ingredients
    return None, ()


def _find_gap(
    medicine: Medicine, named: tuple[str, ...], dose: Dose | None, person: PatientFacts, knowledge: Knowledge
) -> str:
    """The message when the dose of a high-alert medicine is compared with nothing, else ""."""
    if not named or not medicine.is_in_formulary:
        return NO_LIMIT
    single = dose and calculate_single_amounts(dose, medicine.strength, medicine.unit, medicine.ingredients)
    if dose is None or single is None:
        return UNREADABLE
    if calculate_daily_amounts(dose, medicine.strength, medicine.unit, medicine.ingredients) is None:
        return NO_DAY
    found = [limit for limit in _limits_for(medicine, dose, person, knowledge) if limit.kind != "course"]
    is_once = dose.frequency_code == ONCE
    for name in named:
        kinds = {
            limit.kind
            for limit in found
            if limit.ingredient == name
            and limit.unit == single[name].unit
            and limit.find_most(person.weight_kg) is not None
        }
        if not (kinds & {"daily", "weekly"} or (is_once and kinds) or _has_own_maximum(medicine, name, dose, person)):
            return NO_LIMIT
    return ""


def _has_own_maximum(medicine: Medicine, ingredient: str, dose: Dose, person: PatientFacts) -> bool:
    """Whether the medicine's record has a daily maximum for this route and age, which `check_dose` compares."""
    if dose.route != medicine.route or medicine.has_no_maximum:
        return False
    if person.age_years is not None and person.age_years < CHILD_UNTIL:
        return ingredient in medicine.max_daily_mg_per_kg and person.weight_kg is not None
    return ingredient in medicine.max_daily_mg


def _route(medicine: Medicine, dose: Dose | None) -> str:
    """The route of the dose, else of the formulary's medicine; "" when it is not known."""
    if dose is not None:
        return dose.route
    return medicine.route if medicine.is_in_formulary else ""


def _limits_for(medicine: Medicine, dose: Dose | None, person: PatientFacts, knowledge: Knowledge) -> list[DoseLimit]:
    route = _route(medicine, dose)
    return [
        limit
        for name in medicine.ingredients
        for limit in knowledge.limits_by_ingredient.get(name, ())
        if limit.covers(medicine.ingredients, route, person.age_years)
    ]


def check_dose_limits(medicine: Medicine, dose: Dose | None, person: PatientFacts, knowledge: Knowledge) -> CheckResult:
    """Compare one dose, the amount in a day, and that of a course that is long enough, with the limits of each ingredient."""
    if not medicine.ingredients:
        return not_in_formulary(DOSE_LIMIT, (medicine,))
    limits = _limits_for(medicine, dose, person, knowledge)
    if not limits:
        template = N_("No limit for one dose of %(medicine)s is recorded for this route and age. It was not compared.")
        return CheckResult.from_alerts(DOSE_LIMIT, (), unknown=Sentence(template, medicine=medicine.name))
    amounts = dose and calculate_single_amounts(dose, medicine.strength, medicine.unit, medicine.ingredients)
    if dose is None or amounts is None:
        template = N_("The amount of one dose of %(medicine)s cannot be calculated. Check the dose yourself.")
        return CheckResult.not_run(DOSE_LIMIT, Sentence(template, medicine=medicine.name))
    daily = calculate_daily_amounts(dose, medicine.strength, medicine.unit, medicine.ingredients) or {}
    compared = [limit for limit in limits if _is_comparable(limit, dose, amounts, person)]
    sums = {"single": amounts, "weekly": _sum_week(dose, amounts, daily)}
    named = find_high_alert_group(medicine, dose, knowledge)[1]
    alerts = [
        alert
        for limit in compared
        if (alert := _alert(limit, sums.get(limit.kind, daily), person, named, knowledge.key_of(limit)))
    ]
    needs_weight = any(limit.most_per_kg is not None and person.weight_kg is None for limit in limits)
    return CheckResult.from_alerts(
        DOSE_LIMIT,
        alerts,
        UNKNOWN_WEIGHT if needs_weight else None,
        needs_reason=False,
        looked_up=_describe_compared(medicine, compared, person, knowledge),
        unknown=_describe_unknown(medicine, compared),
    )


def _is_comparable(limit: DoseLimit, dose: Dose, single: dict[str, Amount], person: PatientFacts) -> bool:
    if limit.unit != single[limit.ingredient].unit or limit.find_most(person.weight_kg) is None:
        return False
    return limit.kind != "course" or _lasts_longer(dose, limit.over_days)


def _describe_compared(
    medicine: Medicine, compared: Sequence[DoseLimit], person: PatientFacts, knowledge: Knowledge
) -> Sentence | None:
    if not compared:
        return None
    words = {
        "single": N_("at once"),
        "daily": N_("a day"),
        "weekly": N_("a week"),
        "course": N_("a day in a long course"),
    }
    message = N_("The dose of %(medicine)s was compared with its limits (version %(version)s): %(limits)s.")
    limits = ", ".join(
        f"{limit.ingredient} {_format(limit.find_most(person.weight_kg), limit.unit)} {words[limit.kind]}"
        for limit in compared
    )
    return Sentence(message, medicine=medicine.name, version=knowledge.version, limits=limits)


def _describe_unknown(medicine: Medicine, compared: Sequence[DoseLimit]) -> Sentence | None:
    """What was compared with nothing: an ingredient, or one dose of a course of which only the day has a limit."""
    bounded = {limit.ingredient for limit in compared if limit.kind == "single"}
    open_ones = [name for name in medicine.ingredients if name not in bounded]
    if not open_ones:
        return None
    template = N_("No limit for one dose of %(ingredients)s is recorded for this route, age and weight.")
    return Sentence(template, ingredients=", ".join(open_ones))


def _sum_week(dose: Dose, single: dict[str, Amount], daily: dict[str, Amount]) -> dict[str, Amount]:
    """The amount of each ingredient in seven days."""
    if dose.frequency_code in (ONCE, "weekly"):
        return single
    days = Decimal(min(dose.days or WEEK, WEEK))
    if dose.times_per_day is not None and dose.times_per_day < 1:
        days = max(days * dose.times_per_day, Decimal(1))
    return {name: Amount(amount.value * days, amount.unit) for name, amount in daily.items()}


def _alert(
    limit: DoseLimit, amounts: dict[str, Amount], person: PatientFacts, high_alert: tuple[str, ...], line: str
) -> SafetyAlert | None:
    most = limit.find_most(person.weight_kg)
    amount = amounts.get(limit.ingredient)
    if most is None or amount is None or amount.value <= most:
        return None
    templates = {
        "single": N_("%(amount)s of %(ingredient)s at once is more than %(most)s."),
        "daily": N_("%(amount)s of %(ingredient)s a day is more than the daily maximum of %(most)s."),
        "weekly": N_("%(amount)s of %(ingredient)s in a week is more than the weekly maximum of %(most)s."),
        "course": N_("%(amount)s of %(ingredient)s a day for more than %(days)s days is more than %(most)s."),
    }
    template = templates[limit.kind]
    if limit.kind == "course" and limit.over_days == 1:
        template = N_("%(amount)s of %(ingredient)s a day for longer than one day is more than %(most)s.")
    message = Sentence(
        template,
        amount=_format(amount.value, amount.unit),
        ingredient=limit.ingredient,
        most=_format(most, limit.unit),
        days=limit.over_days,
    )
    if limit.ingredient in high_alert:
        message = joined((message, Sentence(N_("%(name)s is a high-alert medicine."), name=limit.ingredient)))
    return SafetyAlert("stop", DOSE_LIMIT, message, (limit.ingredient,), line)


def _format(value: Decimal | None, unit: str) -> str:
    if value is None:
        return ""
    return format_weight(value) if unit == "mg" else format_amount(round(value, 2).normalize() + 0, unit)


def _lasts_longer(dose: Dose, days: int) -> bool:
    return dose.frequency_code != ONCE and (dose.days is None or dose.days > days)
