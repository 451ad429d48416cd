"""A dose of one's own: written in short (`500mg tds 5/7 po`) or in fields, which must not say two different things."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hms.core.errors import RuleBroken
from hms.core.text.numbers import number
from hms.core.text.translation import N_

from . import shorthand
from .doses import FREQUENCIES, Dose, format_dose, format_duration

HALVES = {"½": Decimal("0.5"), "1/2": Decimal("0.5"), "half": Decimal("0.5")}
REGULARLY, WHEN_REQUIRED = "", "yes"


class MedicineDefaults(Protocol):
    """The medicine's own route and unit, which hold where nothing else is written."""

    route: str
    unit: str


@dataclass(frozen=True, slots=True)
class DoseInput:
    """What stands in the fields. `unit`, `route` and `frequency` are keys of the formulary's lists; `duration` and `most`
    (the most in 24 hours, in the unit of the dose) are text; `as_needed` is `REGULARLY` or `WHEN_REQUIRED`."""

    short: str = ""
    amount: str = ""
    unit: str = ""
    route: str = ""
    frequency: str = ""
    as_needed: str = REGULARLY
    duration: str = ""
    most: str = ""

    @property
    def has_fields(self) -> bool:
        """Whether the fields hold a dose, or the beginning of one."""
        return any((self.amount, self.frequency, self.as_needed, self.duration, self.most))

    @property
    def is_empty(self) -> bool:
        return not self.short and not self.has_fields


def parse_dose(written: DoseInput, medicine: MedicineDefaults) -> Dose:
    """The dose that is written. Raises `RuleBroken` on `dose`, or on the field `amount`, `unit`, `route`, `frequency`,
    `max_per_day` or `days` that makes no dose."""
    if written.is_empty:
        raise RuleBroken(N_("Enter the dose, for example 500 mg tds 5/7 po."), shorthand.FIELD)
    unit, route = written.unit or medicine.unit, written.route or medicine.route
    if not written.short:
        return _from_fields(written, unit, route)
    dose = shorthand.parse_shorthand(written.short, default_route=route, default_unit=unit)
    if written.has_fields and _from_fields(written, unit, route) != dose:
        message = N_("The short form means %(dose)s, but the fields are different. Correct or clear one of them.")
        raise RuleBroken(message, shorthand.FIELD, dose=format_dose(dose))
    return dose


def _from_fields(written: DoseInput, unit: str, route: str) -> Dose:
    return Dose.of(
        _amount(written.amount, "amount"),
        unit,
        route,
        written.frequency,
        as_needed=written.as_needed == WHEN_REQUIRED,
        max_per_day=_amount(written.most, "max_per_day") if written.most else None,
        days=shorthand.parse_duration(written.duration),
    )


def _amount(typed: str, field: str) -> Decimal:
    plain = typed.strip().lower()
    try:
        return HALVES[plain] if plain in HALVES else number(plain)
    except ValueError as refusal:
        raise RuleBroken(N_("Enter the dose as a number, for example 500 or 2.5."), field) from refusal


def dose_to_input(dose: Dose) -> DoseInput:
    """The dose as its fields show it."""
    return DoseInput(
        amount=f"{dose.amount:f}",
        unit=dose.unit,
        route=dose.route,
        frequency=dose.frequency_code,
        as_needed=WHEN_REQUIRED if dose.as_needed else REGULARLY,
        duration=format_duration(dose.days),
        most="" if dose.max_per_day is None else f"{dose.max_per_day:f}",
    )


def describe_unlisted_medicine(written: DoseInput) -> dict[str, str]:
    """Dose, frequency and duration of a medicine that is not in the formulary, as they are written."""
    often = FREQUENCIES.get(written.frequency, (None, ""))[1]
    when = N_("when required") if written.as_needed == WHEN_REQUIRED else ""
    dosage = written.short or f"{written.amount} {written.unit}".strip()
    return {
        "dosage": dosage[:100],
        "frequency": f"{often} {when}".strip(),
        "duration": format_duration(shorthand.parse_duration(written.duration)),
    }
