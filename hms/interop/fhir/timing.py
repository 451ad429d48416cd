"""The words of a FHIR timing that no frequency code can say: every 6 to 8 hours, on Mon and Thu at bedtime."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hms.core.text.translation import N_, Sentence

from . import fields

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


def repeat_of(instruction: dict[str, Any]) -> tuple[Decimal | None, Decimal | None, str]:
    """How many times in how many of which unit."""
    repeat = fields.part(fields.part(instruction, "timing"), "repeat")
    return fields.number(repeat, "frequency"), fields.number(repeat, "period"), fields.code(repeat, "periodUnit")


def timing_words(instruction: dict[str, Any]) -> str:
    """ "3 times in 4 hours", "every 6 to 8 hours at night", or the text of the timing."""
    timing = fields.part(instruction, "timing")
    if text := fields.line(fields.part(timing, "code"), "text"):
        return text
    words = [_rate_words(instruction), *_more_words(fields.part(timing, "repeat"))]
    return " ".join(word for word in words if word) or fields.concept(timing, "code").title


def _rate_words(instruction: dict[str, Any]) -> str:
    times, period, unit = repeat_of(instruction)
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
