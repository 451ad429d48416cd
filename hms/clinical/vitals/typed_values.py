"""What typed vital signs mean, shown beside their fields before anything is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from flask_babel import gettext as _

from hms.clinical.reference_ranges import Meaning, ReferenceRange
from hms.core.text.translation import Sentence
from hms.core.web.localisation import translate

from . import child_bands, news2, rules, usual_ranges
from .plausibility import bmi, bmi_text

_AGE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?", re.ASCII)
_PRESSURES = ("systolic", "diastolic")


def format_age(age_years: Decimal | None) -> str:
    """The age as the page sends it back; "" when it is not known."""
    return "" if age_years is None else f"{age_years.quantize(Decimal('0.0001'), ROUND_DOWN):f}"


def read_age(text: str) -> Decimal | None:
    """The age that `format_age` wrote; None for any other text."""
    return Decimal(text) if _AGE.fullmatch(text) else None


def describe(
    typed: Mapping[str, Any], age_years: Decimal | None, *, scale: int = 1
) -> tuple[dict[str, Meaning], Meaning]:
    """The meaning of each typed value by field, and the NEWS2, the bands of a child, or why there is no score.

    `typed` is as `actions.record_vitals` takes it, `scale` the prescribed one of SpO₂.
    """
    values, errors = rules.read_vitals(typed)
    saturation = usual_ranges.saturation_range(scale, on_oxygen=typed.get("on_oxygen"))
    meanings = {field: Meaning(translate(message), "wrong") for field, message in errors.items()}
    for key, value in values.items():
        if key not in _PRESSURES:
            meanings |= _meaning_of(key, value, age_years, saturation)
    if rules.BLOOD_PRESSURE not in errors:
        meanings |= _meaning_of_pressures(values, age_years)
    index = bmi(values.get("weight"), values.get("height"), age_years)
    if index is not None:
        meanings["height"] = Meaning(_("BMI %(value)s", value=bmi_text(index, age_years)), "note")
    return meanings, _meaning_of_score(values, typed, age_years, scale)


def _meaning_of(
    key: str, value: Decimal, age_years: Decimal | None, saturation: ReferenceRange | None = None
) -> dict[str, Meaning]:
    """The flag of a value, or that it is normal; nothing for a value without a usual range."""
    is_prescribed = saturation is not None and key == rules.SATURATION
    usual = saturation if is_prescribed else rules.usual_range(key, age_years)
    if usual is None:
        return {}
    flag = rules.find_flag(key, value, age_years, saturation=saturation)
    if flag is not None:
        level = "critical" if flag.is_critical else flag.code
        return {key: Meaning(_with_range(str(flag.word), usual.text, age_years), level)}
    return {key: Meaning(_with_range(_("Normal"), usual.text, age_years), "normal")} if age_years is not None else {}


def _with_range(word: str, usual: str, age_years: Decimal | None) -> str:
    if age_years is None:
        return _("%(word)s for an adult (%(range)s)", word=word, range=usual)
    return f"{word} ({usual})"


def _meaning_of_pressures(values: Mapping[str, Decimal], age_years: Decimal | None) -> dict[str, Meaning]:
    """One meaning for the field of both pressures: the flags of those that are unusual, else normal with both ranges."""
    found: dict[str, Meaning] = {}
    for key in _PRESSURES:
        if key in values:
            found |= _meaning_of(key, values[key], age_years)
    unusual = {key: meaning for key, meaning in found.items() if meaning.level != "normal"}
    if unusual:
        names = {"systolic": _("Systolic"), "diastolic": _("Diastolic")}
        text = " · ".join(f"{names[key]}: {meaning.text}" for key, meaning in unusual.items())
        levels = [meaning.level for meaning in unusual.values()]
        return {rules.BLOOD_PRESSURE: Meaning(text, "critical" if "critical" in levels else levels[0])}
    if not found:
        return {}
    ranges = " / ".join(rules.usual_range(key, age_years).text for key in found)
    return {rules.BLOOD_PRESSURE: Meaning(_with_range(_("Normal"), ranges, age_years), "normal")}


def _meaning_of_score(
    values: Mapping[str, Decimal], typed: Mapping[str, Any], age_years: Decimal | None, scale: int
) -> Meaning:
    circumstances = {name: typed.get(name) for name in ("is_pregnant", "consciousness", "on_oxygen")}
    score = news2.calculate_news2(values, age_years=age_years, **circumstances, scale=scale)
    if score is None:
        return _meaning_without_score(
            values, news2.reason_not_scored(values, age_years=age_years, **circumstances), age_years
        )
    return Meaning(str(score), "critical" if score.needs_review else "normal")


def _meaning_without_score(values: Mapping[str, Decimal], gap: Sentence, age_years: Decimal | None) -> Meaning:
    """Why there is no NEWS2, after the bands of a child."""
    child = child_bands.find_bands(values, age_years)
    if child is None:
        return Meaning(translate(gap), "note")
    text = f"{translate(child.sentence)}. {translate(gap)}"
    return Meaning(text, "critical" if child.needs_review else "normal")
