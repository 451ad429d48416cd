"""Checks for duplicates, daily maximum, age and pregnancy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from hms.core.text.formatting import quantity
from hms.core.text.translation import N_, Sentence, joined
from hms.formulary.dosing.doses import Dose
from hms.formulary.dosing.quantities import calculate_daily_milligrams

from .alerts import CheckResult, SafetyAlert
from .knowledge import CLASS_PREFIX, Knowledge
from .medicine_facts import ADULT_FROM, LOCAL_ROUTES, Medicine

CHILD_UNTIL = 12
DOSED_BY_WEIGHT_BELOW_KG = 50
UNKNOWN_AGE = Sentence(N_("The age is not known. Check the dose yourself."))
UNKNOWN_WEIGHT = Sentence(N_("The dose cannot be checked without a weight. Weigh the child."))
CHILDBEARING_AGES = (Decimal(12), Decimal(50))


@dataclass(frozen=True, slots=True)
class CurrentMedicine:
    """A medicine that the patient takes or is being prescribed, with its dose if known."""

    medicine: Medicine
    dose: Dose | None = None


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """The facts about the patient that the checks use; None when unknown. `sex` is a FHIR gender code."""

    age_years: Decimal | None = None
    sex: str = "unknown"
    is_pregnant: bool | None = None
    weight_kg: Decimal | None = None


def not_in_formulary(rule: str, medicines: Iterable[Medicine]) -> CheckResult:
    """The result of a check that does not know the ingredients of `medicines`; clear when it knows all."""
    names = sorted({medicine.name for medicine in medicines if not medicine.ingredients})
    if not names:
        return CheckResult.from_alerts(rule, ())
    one = N_("%(medicine)s is not in the formulary. It was not checked.")
    many = N_("%(medicine)s are not in the formulary. They were not checked.")
    return CheckResult.not_run(rule, Sentence(one if len(names) == 1 else many, medicine=", ".join(names)))


def check_duplicates(medicine: Medicine, current: Iterable[CurrentMedicine], knowledge: Knowledge) -> CheckResult:
    """Check whether the patient already takes the same ingredient or another medicine of a watched class."""
    others = {entry.medicine.name: entry.medicine for entry in current}
    alerts = [alert for other in others.values() if (alert := _duplicate(medicine, other, knowledge))]
    missing = not_in_formulary("duplicate", (medicine, *others.values()))
    looked_up = _describe_others(medicine, len(others)) if medicine.ingredients else None
    return CheckResult.from_alerts("duplicate", alerts, missing.missing, looked_up=looked_up)


def _describe_others(medicine: Medicine, count: int) -> Sentence:
    if count == 0:
        return Sentence(N_("There is no other current medicine that could be the same."))
    one = N_(
        "%(medicine)s was compared with one other current medicine: whether they have the same ingredient or group."
    )
    many = N_(
        "%(medicine)s was compared with %(count)s other current medicines: whether they have an ingredient or group "
        "in common."
    )
    return Sentence(one if count == 1 else many, medicine=medicine.name, count=count)


def _duplicate(medicine: Medicine, other: Medicine, knowledge: Knowledge) -> SafetyAlert | None:
    same = tuple(name for name in medicine.ingredients if name in other.ingredients)
    if same:
        template = N_("%(ingredient)s is already in the current medicines (%(other)s).")
        if len(same) > 1:
            template = N_("%(ingredient)s are already in the current medicines (%(other)s).")
        return SafetyAlert(
            "caution", "duplicate", Sentence(template, ingredient=", ".join(same), other=other.name), same
        )
    watched = knowledge.watched_families
    for side in sorted(knowledge.sides_of(medicine) & knowledge.sides_of(other) & watched.keys()):
        is_class = side.removeprefix(CLASS_PREFIX) in knowledge.class_by_code
        if is_class or not {medicine.route, other.route} & LOCAL_ROUTES:
            template = N_("%(medicine)s and %(other)s are from the same group: %(family)s.")
            message = Sentence(template, medicine=medicine.name, other=other.name, family=watched[side])
            substances = (*medicine.ingredients, *other.ingredients)
            return SafetyAlert("caution", "duplicate", message, substances, knowledge.key_of_side(side))
    return None


def check_dose(
    medicine: Medicine, dose: Dose | None, person: PatientFacts, current: Iterable[CurrentMedicine] = ()
) -> CheckResult:
    """Check each ingredient against its daily maximum, with the doses of other current medicines added.

    The adult maximum applies; under 18 years or 50 kg also the maximum per kg if there is one. The check of a child
    under 12 could not run when the weight is needed and unknown.
    """
    if medicine.has_no_maximum:
        template = N_("There is no daily maximum for %(medicine)s. The amount was not compared with one.")
        return CheckResult.from_alerts(
            "dose", (), _unreadable(medicine, dose), unknown=Sentence(template, medicine=medicine.name)
        )
    if not medicine.max_daily_mg and not medicine.max_daily_mg_per_kg:
        template = N_("No daily maximum is recorded for %(medicine)s. Check the dose yourself.")
        return CheckResult.not_run("dose", Sentence(template, medicine=medicine.name))
    taken = (
        None
        if dose is None
        else calculate_daily_milligrams(dose, medicine.strength, medicine.unit, medicine.ingredients)
    )
    if taken is None:
        template = N_("The daily amount of %(medicine)s cannot be calculated. Check the dose yourself.")
        return CheckResult.not_run("dose", Sentence(template, medicine=medicine.name))
    elsewhere, unclear = _sum_other_medicines(medicine, current)
    alerts = []
    for ingredient, amount in taken.items():
        maximum = _maximum_of(medicine, ingredient, person)
        if maximum is not None and amount + elsewhere.get(ingredient, Decimal(0)) > maximum:
            alerts.append(_too_much(ingredient, amount, elsewhere.get(ingredient, Decimal(0)), maximum))
    missing = unclear or _unchecked_for_child(medicine, person)
    is_fact_of_patient = missing in (UNKNOWN_AGE, UNKNOWN_WEIGHT)
    looked_up = _describe_compared(taken, {name: _maximum_of(medicine, name, person) for name in taken})
    return CheckResult.from_alerts("dose", alerts, missing, needs_reason=not is_fact_of_patient, looked_up=looked_up)


def _unreadable(medicine: Medicine, dose: Dose | None) -> Sentence | None:
    """That the dose is no dose that can be compared; None for what stays on skin, eye, ear or nose."""
    if dose is not None or medicine.route in LOCAL_ROUTES:
        return None
    return Sentence(N_("The dose of %(medicine)s cannot be read. Check it yourself."), medicine=medicine.name)


def _describe_compared(taken: dict[str, Decimal], maximums: dict[str, Decimal | None]) -> Sentence:
    template = N_("%(amount)s of %(ingredient)s a day was compared with the daily maximum of %(most)s.")
    without = N_("%(amount)s of %(ingredient)s a day was not compared: no daily maximum is recorded.")
    return joined(
        Sentence(template, amount=format_weight(amount), ingredient=ingredient, most=format_weight(most))
        if (most := maximums[ingredient]) is not None
        else Sentence(without, amount=format_weight(amount), ingredient=ingredient)
        for ingredient, amount in taken.items()
    )


def _maximum_of(medicine: Medicine, ingredient: str, person: PatientFacts) -> Decimal | None:
    limits = [medicine.max_daily_mg[ingredient]] if ingredient in medicine.max_daily_mg else []
    per_kg = medicine.max_daily_mg_per_kg.get(ingredient)
    if per_kg is not None and person.weight_kg is not None and _is_dosed_by_weight(person, person.weight_kg):
        limits.append(per_kg * person.weight_kg)
    return min(limits, default=None)


def _is_dosed_by_weight(person: PatientFacts, weight_kg: Decimal) -> bool:
    return weight_kg < DOSED_BY_WEIGHT_BELOW_KG or (person.age_years is not None and person.age_years < ADULT_FROM)


def _sum_other_medicines(
    medicine: Medicine, current: Iterable[CurrentMedicine]
) -> tuple[dict[str, Decimal], Sentence | None]:
    """Mg a day of the same ingredients in other medicines, and a message when a dose is unknown."""
    sums: dict[str, Decimal] = {}
    unclear = None
    for entry in current:
        other = entry.medicine
        if not set(other.ingredients) & set(medicine.ingredients):
            continue
        daily = entry.dose and calculate_daily_milligrams(entry.dose, other.strength, other.unit, other.ingredients)
        if not daily:
            template = N_("The dose of %(other)s is not known, so the daily total could not be calculated.")
            unclear = Sentence(template, other=other.name)
            continue
        for ingredient, amount in daily.items():
            sums[ingredient] = sums.get(ingredient, Decimal(0)) + amount
    return sums, unclear


def _too_much(ingredient: str, amount: Decimal, elsewhere: Decimal, maximum: Decimal) -> SafetyAlert:
    template = N_("%(amount)s of %(ingredient)s a day is more than the daily maximum of %(most)s.")
    message = Sentence(
        template, amount=format_weight(amount + elsewhere), ingredient=ingredient, most=format_weight(maximum)
    )
    if elsewhere:
        template = N_("%(amount)s of it comes from other current medicines.")
        message = joined((message, Sentence(template, amount=format_weight(elsewhere))))
    return SafetyAlert("stop", "dose", message, (ingredient,))


def format_weight(milligrams: Decimal) -> str:
    """The amount in g, mg or micrograms, whichever reads best."""
    if milligrams >= 1000:
        return quantity(round(milligrams / 1000, 3), "g")
    if milligrams < 1:
        return quantity(round(milligrams * 1000, 1), "micrograms")
    return quantity(round(milligrams, 2), "mg")


def _unchecked_for_child(medicine: Medicine, person: PatientFacts) -> Sentence | None:
    if person.age_years is None:
        return UNKNOWN_AGE
    if person.age_years >= CHILD_UNTIL:
        return None
    if not medicine.max_daily_mg_per_kg:
        template = N_("No maximum for children is recorded for %(medicine)s. Check the dose by weight yourself.")
        return Sentence(template, medicine=medicine.name)
    if person.weight_kg is None:
        return UNKNOWN_WEIGHT
    return None


def check_age_and_pregnancy(medicine: Medicine, person: PatientFacts) -> CheckResult:
    """Check whether the medicine suits the patient's age and pregnancy; a woman of 12 to 50 years may be pregnant."""
    if not medicine.is_in_formulary or not medicine.ingredients:
        template = N_(
            "%(medicine)s is not in the formulary. Check yourself whether it is safe for the age and in pregnancy."
        )
        return CheckResult.not_run("age_pregnancy", Sentence(template, medicine=medicine.name))
    alerts = [alert for alert in (_age_alert(medicine, person), _pregnancy_alert(medicine, person)) if alert]
    gap = unknown = None
    if not medicine.pregnancy and (person.is_pregnant or _may_be_pregnant(person) and person.is_pregnant is None):
        template = N_("The list says nothing about %(medicine)s in pregnancy. It is not known to be safe.")
        unknown = Sentence(template, medicine=medicine.name)
    if person.age_years is None and (medicine.min_age_years is not None or medicine.pregnancy):
        gap = Sentence(N_("The age is not known. Check yourself whether the medicine is safe for the age."))
    looked_up = Sentence(N_("Age and pregnancy were compared with the list for %(medicine)s."), medicine=medicine.name)
    return CheckResult.from_alerts(
        "age_pregnancy", alerts, gap, needs_reason=False, looked_up=looked_up, unknown=unknown
    )


def _age_alert(medicine: Medicine, person: PatientFacts) -> SafetyAlert | None:
    limit = medicine.min_age_years
    if limit is None or person.age_years is None or person.age_years >= limit:
        return None
    template = N_("%(medicine)s is not meant for children under %(age)s.")
    count = limit if limit >= 2 else (limit * 12).to_integral_value()
    age = N_("%(count)s years") if limit >= 2 else N_("1 month") if count == 1 else N_("%(count)s months")
    message = Sentence(template, medicine=medicine.name, age=Sentence(age, count=quantity(count)))
    return SafetyAlert(medicine.min_age_tier, "age_pregnancy", message, medicine.ingredients)


def _pregnancy_alert(medicine: Medicine, person: PatientFacts) -> SafetyAlert | None:
    if not medicine.pregnancy or person.is_pregnant is False:
        return None
    if person.is_pregnant:
        if medicine.pregnancy == "avoid":
            template = N_("%(medicine)s can harm the unborn child, and the patient is pregnant.")
            return SafetyAlert(
                "stop", "age_pregnancy", Sentence(template, medicine=medicine.name), medicine.ingredients
            )
        template = N_("Use %(medicine)s with caution in pregnancy. Compare benefit and risk.")
        return SafetyAlert("caution", "age_pregnancy", Sentence(template, medicine=medicine.name), medicine.ingredients)
    if medicine.pregnancy == "avoid" and _may_be_pregnant(person):
        template = N_("%(medicine)s can harm an unborn child. Ask whether the patient may be pregnant.")
        return SafetyAlert("caution", "age_pregnancy", Sentence(template, medicine=medicine.name), medicine.ingredients)
    return None


def _may_be_pregnant(person: PatientFacts) -> bool:
    youngest, oldest = CHILDBEARING_AGES
    return person.sex == "female" and (person.age_years is None or youngest <= person.age_years <= oldest)
