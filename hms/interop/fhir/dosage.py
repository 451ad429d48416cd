"""FHIR dosage instructions: always as text, in structured fields only when every part is unambiguous."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.abbreviations import ROUTE_PHRASES, UNIT_PHRASES
from hms.formulary.dosing.doses import AS_REQUIRED, FREQUENCIES, MAX_DAYS_LENGTH, Dose, format_duration

from . import fields

_UNITS = {phrase: unit for unit, phrases in UNIT_PHRASES.items() for phrase in (unit, *phrases)}
_ROUTES = {phrase: route for route, phrases in ROUTE_PHRASES.items() for phrase in (route, *phrases)}
FREQUENCY_BY_TIMING = {
    (1, 1, "d"): "once_daily",
    (2, 1, "d"): "twice_daily",
    (3, 1, "d"): "three_times_daily",
    (4, 1, "d"): "four_times_daily",
    (5, 1, "d"): "five_times_daily",
    (6, 1, "d"): "six_times_daily",
    (8, 1, "d"): "eight_times_daily",
    (1, 24, "h"): "once_daily",
    (1, 12, "h"): "every_12_hours",
    (1, 8, "h"): "every_8_hours",
    (1, 6, "h"): "every_6_hours",
    (1, 4, "h"): "every_4_hours",
    (1, 3, "h"): "every_3_hours",
    (1, 2, "h"): "every_2_hours",
    (1, 1, "h"): "every_hour",
    (1, 2, "d"): "alternate_days",
    (1, 1, "wk"): "weekly",
    (1, 7, "d"): "weekly",
}
_TIMING_CODES = {
    "QD": "once_daily",
    "BID": "twice_daily",
    "TID": "three_times_daily",
    "QID": "four_times_daily",
    "QOD": "alternate_days",
    "AM": "in_the_morning",
    "BED": "at_night",
    "Q4H": "every_4_hours",
    "Q6H": "every_6_hours",
    "Q8H": "every_8_hours",
    "WK": "weekly",
}
"""HL7's GTSAbbreviation."""
_PERIODS = {
    "s": N_("seconds"),
    "min": N_("minutes"),
    "h": N_("hours"),
    "d": N_("days"),
    "wk": N_("weeks"),
    "mo": N_("months"),
    "a": N_("years"),
}
_DAYS_IN = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30}
MAX_INSTRUCTIONS_LENGTH = 1000


def prescription_dose(resource: dict[str, Any]) -> dict[str, Any]:
    """The dose columns of `prescription`. With several instructions, `instructions` has the text of all."""
    instructions = fields.parts(resource, "dosageInstruction")
    first = instructions[0] if instructions else {}
    as_needed = _as_needed(first)
    amount, unit = _amount(first)
    timing = _frequency_code(first)
    days = _days(first, resource)
    words = {
        "dosage": _amount_words(first, amount),
        "frequency": _frequency_words(first, timing, as_needed),
        "duration": format_duration(days),
        "instructions": _instructions(instructions),
        "days": days,
        "as_needed": as_needed,
    }
    return words | _structured(amount, unit, _route(first), timing, as_needed=as_needed, is_only=len(instructions) == 1)


def _structured(
    amount: Decimal | None, unit: str, route: str, timing: str | None, *, as_needed: bool, is_only: bool
) -> dict[str, Any]:
    blank = {"dose_amount": None, "dose_unit": "", "route": route, "frequency_code": ""}
    code = timing or (AS_REQUIRED if as_needed else None)
    if amount is None or code is None or not is_only or amount != round(amount, 3):
        return blank
    try:
        dose = Dose.from_frequency(amount, unit, route, code, as_needed=as_needed)
    except RuleBroken:
        return blank
    return blank | {"dose_amount": dose.amount, "dose_unit": dose.unit, "frequency_code": dose.frequency_code}


def _dose_quantity(instruction: dict[str, Any]) -> dict[str, Any]:
    rates = fields.parts(instruction, "doseAndRate")
    return fields.part(rates[0], "doseQuantity") if rates else {}


def _amount(instruction: dict[str, Any]) -> tuple[Decimal | None, str]:
    quantity = _dose_quantity(instruction)
    unit = fields.line(quantity, "unit") or fields.line(quantity, "code")
    return fields.number(quantity, "value"), _UNITS.get(unit.strip("{}").casefold(), "")


def _amount_words(instruction: dict[str, Any], amount: Decimal | None) -> str:
    """ "500 mg"; "1 at a time" without a unit, because it may be tablets or puffs."""
    quantity = _dose_quantity(instruction)
    unit = fields.line(quantity, "unit", 50) or fields.line(quantity, "code", 50)
    if amount is not None:
        text = fields.number_text(amount)
        return f"{text} {unit}" if unit else str(Sentence(N_("%(amount)s at a time"), amount=text))
    rates = fields.parts(instruction, "doseAndRate")
    span = fields.part(rates[0], "doseRange") if rates else {}
    ends = [fields.number(fields.part(span, end), "value") for end in ("low", "high")]
    if None in ends:
        return ""
    unit = fields.line(fields.part(span, "high"), "unit", 50)
    return f"{fields.number_text(ends[0])}–{fields.number_text(ends[1])} {unit}".strip()


def _as_needed(instruction: dict[str, Any]) -> bool:
    return bool(fields.flag(instruction, "asNeededBoolean") or fields.part(instruction, "asNeededCodeableConcept"))


def _repeat(instruction: dict[str, Any]) -> tuple[Decimal | None, Decimal | None, str]:
    repeat = fields.part(fields.part(instruction, "timing"), "repeat")
    return fields.number(repeat, "frequency"), fields.number(repeat, "period"), fields.code(repeat, "periodUnit")


def _frequency_code(instruction: dict[str, Any]) -> str | None:
    times, period, unit = _repeat(instruction)
    if period is not None:
        return FREQUENCY_BY_TIMING.get((times or Decimal(1), period, unit))
    return _TIMING_CODES.get(fields.status(fields.part(instruction, "timing"), "code"))


def _frequency_words(instruction: dict[str, Any], timing: str | None, as_needed: bool) -> str:
    words = FREQUENCIES[timing][1] if timing else _uneven_words(instruction)
    if as_needed:
        reason = fields.concept(instruction, "asNeededCodeableConcept").title
        needed = Sentence(N_("when required for %(reason)s"), reason=reason) if reason else N_("when required")
        words = f"{words} {needed}"
    return fields.tidy(words, "timing")


def _uneven_words(instruction: dict[str, Any]) -> str:
    """ "3 times in 4 hours", or the text of the timing."""
    times, period, unit = _repeat(instruction)
    if period is None or unit not in _PERIODS:
        return fields.concept(fields.part(instruction, "timing"), "code").title
    sentence = Sentence(
        N_("%(times)s times in %(period)s %(unit)s"),
        times=fields.number_text(times or Decimal(1)),
        period=fields.number_text(period),
        unit=_PERIODS[unit],
    )
    return str(sentence)


def _route(instruction: dict[str, Any]) -> str:
    title = fields.concept(instruction, "route").title.casefold().removesuffix(" route").strip()
    return _ROUTES.get(title.removesuffix(" route (qualifier value)"), "")


def _days(instruction: dict[str, Any], resource: dict[str, Any]) -> int | None:
    bounds = fields.part(fields.part(fields.part(instruction, "timing"), "repeat"), "boundsDuration")
    supply = fields.part(fields.part(resource, "dispenseRequest"), "expectedSupplyDuration")
    for duration in (bounds, supply):
        count = fields.number(duration, "value")
        factor = _DAYS_IN.get((fields.line(duration, "code") or fields.line(duration, "unit")).casefold())
        if count is not None and factor and count == int(count) and 1 <= count * factor <= MAX_DAYS_LENGTH:
            return int(count * factor)
    return None


def _instructions(instructions: list[dict[str, Any]]) -> str:
    words = []
    for instruction in instructions:
        words += [fields.line(instruction, "text", MAX_INSTRUCTIONS_LENGTH)]
        words += [more.title for more in fields.concepts(instruction, "additionalInstruction")]
        words += [fields.line(instruction, "patientInstruction", MAX_INSTRUCTIONS_LENGTH)]
    return fields.tidy(
        " ".join(dict.fromkeys(instruction for instruction in words if instruction)),
        "dosageInstruction",
        MAX_INSTRUCTIONS_LENGTH,
    )
