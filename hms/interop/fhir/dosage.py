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
    (1, 24, "h"): "once_daily",
    (1, 12, "h"): "every_12_hours",
    (1, 8, "h"): "every_8_hours",
    (1, 6, "h"): "every_6_hours",
    (1, 4, "h"): "every_4_hours",
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
_ONE = {
    "s": N_("second"),
    "min": N_("minute"),
    "h": N_("hour"),
    "d": N_("day"),
    "wk": N_("week"),
    "mo": N_("month"),
    "a": N_("year"),
}
_WHEN = {
    "MORN": N_("in the morning"),
    "NOON": N_("at noon"),
    "AFT": N_("in the afternoon"),
    "EVE": N_("in the evening"),
    "NIGHT": N_("at night"),
    "HS": N_("at bedtime"),
    "WAKE": N_("on waking"),
    "C": N_("with meals"),
    "CM": N_("with breakfast"),
    "CD": N_("with lunch"),
    "CV": N_("with dinner"),
    "AC": N_("before meals"),
    "ACM": N_("before breakfast"),
    "ACD": N_("before lunch"),
    "ACV": N_("before dinner"),
    "PC": N_("after meals"),
    "PCM": N_("after breakfast"),
    "PCD": N_("after lunch"),
    "PCV": N_("after dinner"),
}
"""HL7's EventTiming."""
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


def _repeat(instruction: dict[str, Any]) -> tuple[Decimal | None, Decimal | None, str]:
    repeat = fields.part(fields.part(instruction, "timing"), "repeat")
    return fields.number(repeat, "frequency"), fields.number(repeat, "period"), fields.code(repeat, "periodUnit")


def _frequency_code(instruction: dict[str, Any]) -> str | None:
    """The code of the frequency; None when its timing says more than the code does, such as every 6 to 8 hours."""
    times, period, unit = _repeat(instruction)
    timing = fields.part(instruction, "timing")
    if fields.part(timing, "repeat").keys() - _PLAIN_REPEAT or timing.get("event"):
        return None
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
    """ "3 times in 4 hours", "every 6 to 8 hours at night", or the text of the timing."""
    timing = fields.part(instruction, "timing")
    if text := fields.line(fields.part(timing, "code"), "text"):
        return text
    words = [_rate_words(instruction), *_more_words(fields.part(timing, "repeat"))]
    return " ".join(word for word in words if word) or fields.concept(timing, "code").title


def _rate_words(instruction: dict[str, Any]) -> str:
    times, period, unit = _repeat(instruction)
    if period is None or unit not in _PERIODS:
        return ""
    repeat = fields.part(fields.part(instruction, "timing"), "repeat")
    often = _span(times or Decimal(1), fields.number(repeat, "frequencyMax"))
    length = _span(period, fields.number(repeat, "periodMax"))
    if often == "1":
        words = N_("every %(period)s %(unit)s") if length != "1" else N_("once in %(period)s %(unit)s")
        return str(Sentence(words, period=length, unit=_PERIODS[unit] if length != "1" else _ONE[unit]))
    if length == "1":
        return str(Sentence(N_("%(times)s times in 1 %(unit)s"), times=often, unit=_ONE[unit]))
    return str(Sentence(N_("%(times)s times in %(period)s %(unit)s"), times=often, period=length, unit=_PERIODS[unit]))


def _span(least: Decimal, most: Decimal | None) -> str:
    """ "6", or "6 to 8"."""
    text = fields.number_text(least)
    return (
        text if most is None else str(Sentence(N_("%(least)s to %(most)s"), least=text, most=fields.number_text(most)))
    )


def _more_words(repeat: dict[str, Any]) -> list[str]:
    """What a timing says beside its rate: days, times, meals, how often in all, how long each takes."""
    words = []
    if (offset := fields.number(repeat, "offset")) is not None:
        words.append(str(Sentence(N_("%(count)s minutes"), count=fields.number_text(offset))))
    words += [_WHEN.get(when, when) for when in _texts(repeat, "when")]
    if days := _texts(repeat, "dayOfWeek"):
        words.append(str(Sentence(N_("on %(days)s"), days=", ".join(day.capitalize() for day in days))))
    if times := _texts(repeat, "timeOfDay"):
        words.append(str(Sentence(N_("at %(times)s"), times=", ".join(time[:5] for time in times))))
    duration, unit = fields.number(repeat, "duration"), fields.code(repeat, "durationUnit")
    if duration is not None:
        length = _span(duration, fields.number(repeat, "durationMax"))
        words.append(str(Sentence(N_("over %(length)s %(unit)s"), length=length, unit=_PERIODS.get(unit, unit))))
    if (count := fields.number(repeat, "count")) is not None:
        in_all = _span(count, fields.number(repeat, "countMax"))
        words.append(str(Sentence(N_("%(times)s times in all"), times=in_all)))
    span = fields.part(repeat, "boundsRange")
    ends = [fields.number(fields.part(span, end), "value") for end in ("low", "high")]
    if None not in ends:
        unit = fields.line(fields.part(span, "high"), "unit") or fields.line(fields.part(span, "high"), "code")
        words.append(
            str(Sentence(N_("for %(duration)s"), duration=f"{_span(*ends)} {_PERIODS.get(unit, unit)}".strip()))
        )
    return words


def _texts(repeat: dict[str, Any], name: str) -> list[str]:
    return [text for item in fields.listed(repeat, name) if (text := fields.tidy(item, name, 20))]


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
