"""Quantities of a dose: units to dispense for the course, and milligrams in a day."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .doses import ONCE, ROUNDING, Dose
from .strengths import COUNTED, Amount, parse_amount, parse_strength

SINGLE_DOSE_UNITS = frozenset({"ampoule", "vial", "syringe", "bag", "bottle", "sachet", "suppository", "pessary"})


def count_doses(dose: Dose) -> Decimal | None:
    """How often the dose is taken in the whole course; None when the course is open."""
    if dose.frequency_code == ONCE:
        return Decimal(1)
    if dose.days is None:
        return None
    by_maximum = None if dose.max_per_day is None else (dose.max_per_day / dose.amount).to_integral_value(ROUND_FLOOR)
    by_frequency = dose.times_per_day
    if by_frequency is None and by_maximum is None:
        return None
    daily = min(limit for limit in (by_frequency, by_maximum) if limit is not None)
    return _round_up(daily * dose.days)


def calculate_supply(dose: Dose, unit_strength: str, unit: str = "tablet", unit_holds: str = "") -> int | None:
    """Whole `unit`s to dispense for the course (mL when `unit` is mL); None when they cannot be calculated.

    An ampoule, vial or sachet is used for one dose only, unless `unit_holds` says what it contains. None also for a dose
    that is not a whole number of capsules.
    """
    doses = count_doses(dose)
    if doses is None:
        return None
    holds = parse_amount(unit_holds)
    if holds is not None:
        per_dose = convert_to_unit(dose, unit_strength, holds.unit)
        return None if per_dose is None else int(_round_up(per_dose * doses / holds.value))
    per_dose = convert_to_unit(dose, unit_strength, unit)
    if per_dose is None or (unit == "capsule" and per_dose % 1):
        return None
    if unit in SINGLE_DOSE_UNITS:
        per_dose = _round_up(per_dose)
    return int(_round_up(per_dose * doses))


def convert_to_unit(dose: Dose, unit_strength: str, unit: str) -> Decimal | None:
    """One dose counted in `unit` (tablet, vial, mL, puff …): 500 mg of a 250 mg tablet are 2 tablets.

    None when it cannot be calculated.
    """
    if dose.unit == unit:
        return dose.amount
    strength = parse_strength(unit_strength)
    if strength is None:
        return None
    amount = Amount(dose.amount, dose.unit)
    share = _share(amount, strength.contents)
    if share is None and strength.per is not None and strength.per.unit == dose.unit:
        share = dose.amount / strength.per.value
    if share is None:
        return None
    if strength.per is not None and strength.per.unit == unit:
        return share * strength.per.value
    return share if unit in COUNTED else None


def _share(amount: Amount, contents: tuple[Amount, ...]) -> Decimal | None:
    """How often `contents` fit into `amount`; a dose of a mixture in mg is the sum of its ingredients."""
    if len(contents) == 1 and contents[0].unit == amount.unit:
        return amount.value / contents[0].value
    weights = [content.milligrams for content in contents]
    if amount.milligrams is None or None in weights:
        return None
    share = amount.milligrams / sum(weights, Decimal(0))
    return share if len(contents) == 1 or share % 1 == 0 else None


def _round_up(value: Decimal) -> Decimal:
    # 1/7 is not exact in decimals: four weekly doses in 28 days must not become five.
    return value.quantize(ROUNDING).to_integral_value(ROUND_CEILING)


def calculate_single_amounts(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...]
) -> dict[str, Amount] | None:
    """The amount of each ingredient in one dose, in mg or units; None when it cannot be calculated."""
    return _amounts(dose, unit_strength, unit, ingredients, Decimal(1))


def calculate_daily_amounts(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...]
) -> dict[str, Amount] | None:
    """The largest amount of each ingredient on a day with doses, in mg or units; None when it cannot be calculated."""
    times = dose.times_per_day
    if dose.max_per_day is not None:
        limit = dose.max_per_day / dose.amount
        times = limit if times is None else min(times, limit)
    elif dose.frequency_code == ONCE:
        times = Decimal(1)
    if times is None:
        return None
    # A weekly or alternate-day medicine counts on the day on which it is taken.
    return _amounts(dose, unit_strength, unit, ingredients, max(times, Decimal(1)))


def calculate_daily_milligrams(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...]
) -> dict[str, Decimal] | None:
    """The maximum mg of each ingredient on a day with doses; None when it cannot be calculated."""
    amounts = calculate_daily_amounts(dose, unit_strength, unit, ingredients)
    if amounts is None or any(amount.unit != "mg" for amount in amounts.values()):
        return None
    return {name: amount.value for name, amount in amounts.items()}


def _amounts(
    dose: Dose, unit_strength: str, unit: str, ingredients: tuple[str, ...], times: Decimal
) -> dict[str, Amount] | None:
    amount = _in_base_unit(Amount(dose.amount, dose.unit))
    if len(ingredients) == 1 and amount is not None:
        return {ingredients[0]: Amount(amount.value * times, amount.unit)}
    strength = parse_strength(unit_strength)
    if strength is None or len(strength.contents) != len(ingredients):
        return None
    share = _share(Amount(dose.amount, dose.unit), strength.contents)
    if share is None and dose.unit == (strength.per.unit if strength.per else unit):
        share = dose.amount / (strength.per.value if strength.per else Decimal(1))
    contents = [_in_base_unit(content) for content in strength.contents]
    if share is None or None in contents:
        return None
    return {
        name: Amount(content.value * share * times, content.unit)
        for name, content in zip(ingredients, contents, strict=True)
    }


def _in_base_unit(amount: Amount) -> Amount | None:
    """A weight in mg, or an amount in units; None for other amounts."""
    if amount.unit == "units":
        return amount
    milligrams = amount.milligrams
    return None if milligrams is None else Amount(milligrams, "mg")
