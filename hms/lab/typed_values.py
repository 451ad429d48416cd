"""What typed results mean, shown beside their fields before anything is saved, by the rules with which they are saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from flask_babel import gettext as _

from hms.clinical.reference_ranges import Meaning
from hms.core.errors import RuleBroken
from hms.core.web.localisation import translate_error

from . import rules
from .catalogue import LabTest


def describe(
    tests: Iterable[LabTest], typed: Mapping[str, str], sex: str, age_years: Decimal | None
) -> dict[str, Meaning]:
    """The meaning of each typed result by test code; nothing for a blank one and for a text without a range."""
    meanings = ((test.code, _meaning_of(test, typed.get(test.code, ""), sex, age_years)) for test in tests)
    return {code: meaning for code, meaning in meanings if meaning is not None}


def _meaning_of(test: LabTest, typed: str, sex: str, age_years: Decimal | None) -> Meaning | None:
    try:
        value = rules.read_value(test, typed, sex, age_years)
    except RuleBroken as refusal:
        return Meaning(translate_error(refusal), "wrong")
    if value is None:
        return None
    if value.flag:
        level, word = rules.FLAGS[value.flag]
        return Meaning(f"{word} ({value.range_text})", level)
    if value.range_text:  # "<5" may be usual or low: nothing certain to say
        normal = _("Normal")
        return Meaning(f"{normal} ({value.range_text})", "normal") if value.number is not None else None
    return Meaning(_("No reference range for this patient's age and sex"), "note") if test.ranges else None
