"""FHIR dosage instructions: always as text, in structured fields only when every part is unambiguous."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.abbreviations import ROUTE_PHRASES, UNIT_PHRASES
from hms.formulary.dosing.doses import AS_REQUIRED, FREQUENCIES, MAX_DAYS_LENGTH, Dose, format_duration

from . import fields
from .timing import repeat_of, timing_words

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
    (1, 48, "h"): "alternate_days",
    (1, 3, "d"): "every_third_day",
    (1, 72, "h"): "every_third_day",
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
_PLAIN_REPEAT = {"frequency", "period", "periodUnit", "boundsDuration", "boundsPeriod"}
_DAYS_IN = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30}
MAX_INSTRUCTIONS_LENGTH = 1000


def prescription_dose(resource: dict[str, Any]) -> dict[str, Any]:
    """The dose columns of `prescription`. Of a course in steps only the words of all steps, because no single dose is true."""
    instructions = fields.parts(resource, "dosageInstruction")
    instructions.sort(key=lambda instruction: fields.number(instruction, "sequence") or 0)
    if len(instructions) > 1:
        return _steps(instructions, resource)
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
    return words | _structured(amount, unit, _route(first), timing, as_needed=as_needed)


def _steps(instructions: list[dict[str, Any]], resource: dict[str, Any]) -> dict[str, Any]:
    routes = {_route(instruction) for instruction in instructions}
    days = _days({}, resource)
    return {
        "dosage": "",
        "frequency": "",
        "duration": format_duration(days),
        "instructions": fields.tidy(
            "; ".join(words for instruction in instructions if (words := _step_words(instruction))),
            "dosageInstruction",
            MAX_INSTRUCTIONS_LENGTH,
        ),
        "days": days,
        "as_needed": all(_as_needed(instruction) for instruction in instructions),
        "dose_amount": None,
        "dose_unit": "",
        "route": routes.pop() if len(routes) == 1 else "",
        "frequency_code": "",
    }


def _step_words(instruction: dict[str, Any]) -> str:
    """The step's own text, else its dose, frequency, route and length in words."""
    if text := _instructions([instruction]):
        return text
    days = _days(instruction, {})
    return " ".join(
        words
        for words in (
            _amount_words(instruction, _amount(instruction)[0]),
            _frequency_words(instruction, _frequency_code(instruction), _as_needed(instruction)),
            _route(instruction),
            str(Sentence(N_("for %(duration)s"), duration=format_duration(days))) if days else "",
        )
        if words
    )


def _structured(
    amount: Decimal | None, unit: str, route: str, timing: str | None, *, as_needed: bool
) -> dict[str, Any]:
    blank = {"dose_amount": None, "dose_unit": "", "route": route, "frequency_code": ""}
    code = timing or (AS_REQUIRED if as_needed else None)
    if amount is None or code is None or amount != round(amount, 3):
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


def _frequency_code(instruction: dict[str, Any]) -> str | None:
    """The code of the frequency; None when its timing says more than the code does, such as every 6 to 8 hours."""
    times, period, unit = repeat_of(instruction)
    timing = fields.part(instruction, "timing")
    if fields.part(timing, "repeat").keys() - _PLAIN_REPEAT or timing.get("event"):
        return None
    if period is not None:
        return FREQUENCY_BY_TIMING.get((times or Decimal(1), period, unit))
    return _TIMING_CODES.get(fields.status(fields.part(instruction, "timing"), "code"))


def _frequency_words(instruction: dict[str, Any], timing: str | None, as_needed: bool) -> str:
    words = FREQUENCIES[timing][1] if timing else timing_words(instruction)
    if as_needed:
        reason = fields.concept(instruction, "asNeededCodeableConcept").title
        needed = Sentence(N_("when required for %(reason)s"), reason=reason) if reason else N_("when required")
        words = f"{words} {needed}"
    return fields.tidy(words, "timing")


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


def _limit(instruction: dict[str, Any]) -> str:
    """ "at most 8 tablets in 24 h"."""
    limit = fields.part(instruction, "maxDosePerPeriod")
    ends = [fields.part(limit, end) for end in ("numerator", "denominator")]
    dose, length = (
        " ".join((fields.number_text(number), fields.line(end, "unit") or fields.line(end, "code"))).strip()
        if (number := fields.number(end, "value")) is not None
        else ""
        for end in ends
    )
    return str(Sentence(N_("at most %(dose)s in %(length)s"), dose=dose, length=length)) if dose and length else ""


def _instructions(instructions: list[dict[str, Any]]) -> str:
    words = []
    for instruction in instructions:
        words += [fields.line(instruction, "text", MAX_INSTRUCTIONS_LENGTH)]
        words += [more.title for more in fields.concepts(instruction, "additionalInstruction")]
        words += [fields.line(instruction, "patientInstruction", MAX_INSTRUCTIONS_LENGTH), _limit(instruction)]
    return fields.tidy(
        " ".join(dict.fromkeys(instruction for instruction in words if instruction)),
        "dosageInstruction",
        MAX_INSTRUCTIONS_LENGTH,
    )
