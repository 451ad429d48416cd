"""Values that need confirmation, implausible changes over time, body mass index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from flask_babel import lazy_gettext as _l

from hms.clinical.reference_ranges import ReferenceRange
from hms.core.text.formatting import format_date, quantity
from hms.core.text.translation import N_, Sentence

from .rules import find_flag, vitals

WEIGHT_CHANGE = Decimal("0.10")
WEIGHT_CHANGE_DAYS = 30
INFANT_UNTIL = 1
HEIGHT_SLIP_CM = Decimal(2)
BMI_FROM = 2
ADULT_FROM = 18


@dataclass(frozen=True, slots=True)
class PlausibilityWarning:
    """A value that must be confirmed before it is saved. `key` is the vital sign, `reason` is alarming or change."""

    key: str
    reason: str
    message: Sentence


@dataclass(frozen=True, slots=True)
class EarlierValue:
    """An earlier measurement of weight (kg) or height (cm) and its date in hospital time."""

    value: Decimal
    on: date


def find_alarming_values(
    values: Mapping[str, Decimal], age_years: Decimal | None, *, saturation: ReferenceRange | None = None
) -> list[PlausibilityWarning]:
    """Warnings for critical values: each is a typing error or an emergency. `saturation` is the prescribed range of SpO₂."""
    warnings = []
    for key, value in values.items():
        reading_flag = find_flag(key, value, age_years, saturation=saturation)
        if reading_flag and reading_flag.is_critical:
            vital = vitals()[key]
            sentence = N_("%(label)s %(value)s: %(flag)s. Is it correct?")
            message = Sentence(sentence, label=vital.label, value=vital.format_value(value), flag=reading_flag)
            warnings.append(PlausibilityWarning(key, "alarming", message))
    return warnings


def find_implausible_changes(
    values: Mapping[str, Decimal],
    today: date,
    age_years: Decimal | None,
    earlier: Mapping[str, EarlierValue],
) -> list[PlausibilityWarning]:
    """Warnings for a weight that changed by 10 % or more within 30 days and a height that is 2 cm or more lower.

    `earlier` has the last `weight` and `height`. An infant's gain of weight is not checked.
    """
    warnings = (_weight_change(values, today, age_years, earlier), _height_loss(values, earlier))
    return [warning for warning in warnings if warning]


def _weight_change(
    values: Mapping[str, Decimal], today: date, age_years: Decimal | None, earlier: Mapping[str, EarlierValue]
) -> PlausibilityWarning | None:
    if "weight" not in values or "weight" not in earlier:
        return None
    before, change = earlier["weight"], values["weight"] - earlier["weight"].value
    is_infant = age_years is not None and age_years < INFANT_UNTIL
    if not 0 <= (today - before.on).days <= WEIGHT_CHANGE_DAYS or (is_infant and change > 0):
        return None
    if abs(change) < before.value * WEIGHT_CHANGE:
        return None
    more = N_("%(value)s is %(change)s more than on %(day)s. Is it correct?")
    less = N_("%(value)s is %(change)s less than on %(day)s. Is it correct?")
    return PlausibilityWarning(
        "weight", "change", _change_message("weight", more if change > 0 else less, values["weight"], before)
    )


def _height_loss(values: Mapping[str, Decimal], earlier: Mapping[str, EarlierValue]) -> PlausibilityWarning | None:
    if "height" not in values or "height" not in earlier:
        return None
    if earlier["height"].value - values["height"] < HEIGHT_SLIP_CM:
        return None
    message = N_("%(value)s is %(change)s less than on %(day)s. Is it correct?")
    return PlausibilityWarning(
        "height", "change", _change_message("height", message, values["height"], earlier["height"])
    )


def _change_message(key: str, message: str, value: Decimal, before: EarlierValue) -> Sentence:
    format_value = vitals()[key].format_value
    return Sentence(
        message, value=format_value(value), change=format_value(abs(value - before.value)), day=format_date(before.on)
    )


def bmi(weight_kg: Decimal | None, height_cm: Decimal | None, age_years: Decimal | None) -> Decimal | None:
    """Body mass index in kg/m², two decimals; None when a value is missing, for an unknown age and under 2 years."""
    if weight_kg is None or height_cm is None or age_years is None or age_years < BMI_FROM or height_cm <= 0:
        return None
    metres = height_cm / 100
    return (weight_kg / (metres * metres)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def bmi_word(index: Decimal, age_years: Decimal | None) -> str:
    """The WHO category of an adult's body mass index; for children "see chart"."""
    if age_years is None or age_years < ADULT_FROM:
        return _l("see chart")
    shown = _one_decimal(index)
    for below, word in (
        (Decimal("18.5"), _l("Underweight")),
        (Decimal(25), _l("Healthy")),
        (Decimal(30), _l("Overweight")),
    ):
        if shown < below:
            return word
    return _l("Obese")


def bmi_text(index: Decimal, age_years: Decimal | None) -> str:
    """ "23.1 Healthy", "15.4 (see chart)"."""
    word = bmi_word(index, age_years)
    is_adult = age_years is not None and age_years >= ADULT_FROM
    return f"{quantity(_one_decimal(index))} {word if is_adult else f'({word})'}"


def _one_decimal(index: Decimal) -> Decimal:
    return index.quantize(Decimal("0.1"), ROUND_HALF_UP)
