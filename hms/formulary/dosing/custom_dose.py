"""A custom dose: typed in short form (`500mg tds 5/7 po`) or in fields. When both are filled in, they must agree."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hms.core.errors import RuleBroken
from hms.core.text.numbers import number, show
from hms.core.text.translation import N_

from . import shorthand
from .doses import FREQUENCIES, Dose, check_count, check_maximum, format_dose, format_duration
from .rewriting import expand_fractions

REGULARLY, WHEN_REQUIRED = "", "yes"


class MedicineDefaults(Protocol):
    """The medicine's route and unit, used where none is entered."""

    route: str
    unit: str


@dataclass(frozen=True, slots=True)
class DoseInput:
    """The values of the fields, as text. `unit`, `route` and `frequency` are keys of the formulary's lists; `maximum` is in
    24 hours, in the unit of the dose; `as_needed` is `REGULARLY` or `WHEN_REQUIRED`."""

    short: str = ""
    amount: str = ""
    unit: str = ""
    route: str = ""
    frequency: str = ""
    as_needed: str = REGULARLY
    duration: str = ""
    maximum: str = ""

    @property
    def has_fields(self) -> bool:
        """Whether a field of the dose is filled in."""
        return any((self.amount, self.frequency, self.as_needed, self.duration, self.maximum))

    @property
    def is_empty(self) -> bool:
        return not self.short and not self.has_fields


def parse_dose(dose_input: DoseInput, medicine: MedicineDefaults) -> Dose:
    """The entered dose. Raises `RuleBroken` on `dose` (the short form) or on the wrong field: `amount`, `unit`, `route`,
    `frequency`, `max_per_day` or `days`."""
    if dose_input.is_empty:
        raise RuleBroken(N_("Enter the dose, for example 500 mg tds 5/7 po."), shorthand.FIELD)
    unit, route = dose_input.unit or medicine.unit, dose_input.route or medicine.route
    if not dose_input.short:
        return _from_fields(dose_input, unit, route)
    dose = shorthand.parse_shorthand(dose_input.short, default_route=route, default_unit=unit)
    if dose_input.has_fields and _from_fields(dose_input, unit, route) != dose:
        message = N_("The short form means %(dose)s, but the fields are different. Correct or clear one of them.")
        raise RuleBroken(message, shorthand.FIELD, dose=format_dose(dose))
    return dose


def _from_fields(dose_input: DoseInput, unit: str, route: str) -> Dose:
    amount = _amount(dose_input.amount, "amount")
    check_count(amount, unit, "amount")
    dose = Dose.from_frequency(
        amount,
        unit,
        route,
        dose_input.frequency,
        as_needed=dose_input.as_needed == WHEN_REQUIRED,
        max_per_day=_amount(dose_input.maximum, "max_per_day") if dose_input.maximum else None,
        days=shorthand.parse_duration(dose_input.duration),
    )
    check_maximum(dose, "max_per_day")
    return dose


def _amount(typed: str, field: str) -> Decimal:
    try:
        return number(expand_fractions(typed.strip().lower()))
    except ValueError as refusal:
        raise RuleBroken(N_("Enter the dose as a number, for example 500 or 2.5."), field) from refusal


def dose_to_input(dose: Dose) -> DoseInput:
    """The values of the fields for a stored dose."""
    return DoseInput(
        amount=show(dose.amount),
        unit=dose.unit,
        route=dose.route,
        frequency=dose.frequency_code,
        as_needed=WHEN_REQUIRED if dose.as_needed else REGULARLY,
        duration=format_duration(dose.days),
        maximum="" if dose.max_per_day is None else show(dose.max_per_day),
    )


def describe_unlisted_medicine(dose_input: DoseInput) -> dict[str, str]:
    """Dosage, frequency and duration as text, for a medicine that is not in the formulary."""
    frequency = FREQUENCIES.get(dose_input.frequency, (None, ""))[1]
    as_needed = N_("when required") if dose_input.as_needed == WHEN_REQUIRED else ""
    dosage = dose_input.short or f"{dose_input.amount} {dose_input.unit}".strip()
    return {
        "dosage": dosage[:100],
        "frequency": f"{frequency} {as_needed}".strip(),
        "duration": format_duration(shorthand.parse_duration(dose_input.duration)),
    }
