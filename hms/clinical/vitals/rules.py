"""Rules of vital signs: parse typed values, refuse impossible ones, flag unusual ones.

The definitions are data (`data/vitals.csv`), the usual ranges are `usual_ranges`. Units are fixed: °C, mmHg, per
minute, per cent, kg, cm, mmol/L. Ages are in years, with decimals for small children.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from flask_babel import lazy_gettext as _l

from hms.clinical import labels
from hms.clinical.reference_ranges import ReferenceRange
from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.errors import RuleBroken, Unavailable
from hms.core.seldom_log import log_seldom
from hms.core.text.formatting import quantity
from hms.core.text.numbers import number
from hms.core.text.translation import N_, Sentence, joined

from .usual_ranges import usual_range

log = logging.getLogger(__name__)
DATA = Path(__file__).parents[1] / "data"
BLOOD_PRESSURE = "blood_pressure"
SATURATION = "oxygen_saturation"
_PRESSURES = re.compile(r"\s*([0-9.,]{1,8})\s*/\s*([0-9.,]{0,8})\s*(?:mmhg)?\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Vital:
    """One vital sign with its LOINC code, UCUM unit, printed unit and the range in which a value is possible.

    `key` is its column in `VitalsReading`, `api_name` its name in the API.
    """

    key: str
    api_name: str
    loinc: str
    label: str
    ucum: str
    unit: str
    decimals: int
    possible_low: Decimal
    possible_high: Decimal

    def format_value(self, value: Decimal) -> str:
        """The value with its unit: "38.6 °C", "97%"."""
        return f"{quantity(value)}%" if self.unit == "%" else quantity(value, self.unit)


@dataclass(frozen=True, slots=True)
class Flag:
    """The flag of an unusual value: `code` is low, high, critical_low or critical_high."""

    code: str
    range_text: str

    @property
    def word(self) -> str:
        return labels.FLAGS[self.code]

    @property
    def is_critical(self) -> bool:
        return self.code.startswith("critical_")

    def __str__(self) -> str:
        return f"{self.word} ({self.range_text})"


def vitals() -> dict[str, Vital]:
    """All vital signs by key, in the order of the form; `Unavailable` while the file is missing or broken."""
    try:
        return _read_vitals()
    except BROKEN as error:
        log_seldom(log, "vitals", "vitals.csv cannot be read: %s", error)
        message = N_("The list of vital signs cannot be read. Tell an administrator that its file is broken.")
        raise Unavailable(message) from error


@cache
def _read_vitals() -> dict[str, Vital]:
    signs = {row["key"]: _vital(row) for row in read_complete_rows(DATA / "vitals.csv")}
    if signs.keys() != labels.VITAL_SIGNS.keys():
        raise ValueError("a vital sign is missing or unknown")
    return signs


def _vital(row: dict[str, str]) -> Vital:
    numbers = {"possible_low": Decimal(row["possible_low"]), "possible_high": Decimal(row["possible_high"])}
    return Vital(**row | numbers | {"label": labels.VITAL_SIGNS[row["key"]], "decimals": int(row["decimals"])})


def parse_number(typed: str, field: str) -> Decimal | None:
    """The typed number, with comma or point; None when it is blank. Raises `RuleBroken` on `field`."""
    if not typed.strip():
        return None
    try:
        return number(typed)
    except ValueError as refusal:
        raise RuleBroken(N_("Enter a number, for example 36.5."), field) from refusal


def parse_blood_pressure(typed: str) -> tuple[Decimal | None, Decimal | None]:
    """Systolic and diastolic mmHg from "120/80"; "90/" has no diastolic (measured by pulse).

    Raises `RuleBroken` on field `blood_pressure`.
    """
    if not typed.strip():
        return None, None
    match = _PRESSURES.fullmatch(typed)
    if not match:
        raise RuleBroken(N_("Enter the blood pressure like 120/80."), BLOOD_PRESSURE)
    return parse_number(match[1], BLOOD_PRESSURE), parse_number(match[2], BLOOD_PRESSURE)


def check_possible(key: str, value: Decimal, field: str | None = None) -> None:
    """Raise `RuleBroken` for an impossible value, or one with too many decimals."""
    vital = vitals()[key]
    where = field or key
    if not value.is_finite() or not vital.possible_low <= value <= vital.possible_high:
        message = N_("%(label)s must be between %(low)s and %(high)s.")
        low, high = quantity(vital.possible_low), vital.format_value(vital.possible_high)
        raise RuleBroken(
            joined((Sentence(message, label=vital.label, low=low, high=high), *_other_unit(key, value))), where
        )
    if value != round(value, vital.decimals):
        message = N_("Use whole numbers.") if vital.decimals == 0 else N_("Use at most %(count)s decimals.")
        advice = Sentence(message, count=vital.decimals)
        raise RuleBroken(N_("%(label)s: %(advice)s"), where, label=vital.label, advice=advice)


def _other_unit(key: str, value: Decimal) -> Iterator[Sentence]:
    """Advice when the value looks like °F, metres, grams or mg/dL."""
    for name, smallest, largest, unit, convert in _OTHER_UNITS:
        if name == key and value.is_finite() and smallest <= value <= largest:
            vital = vitals()[key]
            message = N_("%(typed)s looks like %(unit)s. Enter %(shown)s.")
            corrected = vital.format_value(round(convert(value), vital.decimals))
            yield Sentence(message, typed=quantity(value), unit=unit, shown=corrected)


_OTHER_UNITS = (
    ("temperature", 77, 113, "°F", lambda value: (value - 32) / Decimal("1.8")),
    ("height", Decimal("0.2"), Decimal("2.5"), _l("metres"), lambda value: value * 100),
    ("weight", 500, 9999, _l("grams"), lambda value: value / 1000),
    ("glucose", 61, 600, "mg/dL", lambda value: value / 18),
)


def check_pressures(systolic: Decimal | None, diastolic: Decimal | None, field: str = BLOOD_PRESSURE) -> None:
    """Raise `RuleBroken` when the diastolic is not below the systolic, or there is no systolic."""
    if diastolic is None:
        return
    if systolic is None:
        raise RuleBroken(N_("Enter both pressures, like 120/80."), field)
    if diastolic >= systolic:
        raise RuleBroken(N_("The second pressure must be lower than the first. Enter them like 120/80."), field)


def read_vitals(typed: Mapping[str, object]) -> tuple[dict[str, Decimal], dict[str, Sentence]]:
    """Parse a form or API body: returns the values by key, and the errors by the field that was sent.

    `typed` has keys or API names with text or numbers, and `blood_pressure` ("120/80") instead of the two pressures. Blank
    fields are left out.
    """
    values: dict[str, Decimal] = {}
    errors: dict[str, Sentence] = {}
    for key, vital in vitals().items():
        field = key if typed.get(key) is not None else vital.api_name
        _read_one(key, _text(typed.get(field)), field, values, errors)
    _read_pressures(_text(typed.get(BLOOD_PRESSURE)), values, errors)
    if not errors and not typed.get(BLOOD_PRESSURE):
        _check_separate_pressures(values, "diastolic" if "diastolic" in typed else "diastolic_bp", errors)
    return values, errors


def _text(typed: object) -> str:
    return "" if typed is None else str(typed)


def _read_one(key: str, typed: str, field: str, values: dict[str, Decimal], errors: dict[str, Sentence]) -> None:
    try:
        value = parse_number(typed, field)
        if value is not None:
            check_possible(key, value, field)
            values[key] = value
    except RuleBroken as refusal:
        errors[field] = refusal.sentence


def _read_pressures(typed: str, values: dict[str, Decimal], errors: dict[str, Sentence]) -> None:
    try:
        systolic, diastolic = parse_blood_pressure(typed)
        check_pressures(systolic, diastolic)
        for key, value in (("systolic", systolic), ("diastolic", diastolic)):
            if value is not None:
                check_possible(key, value, BLOOD_PRESSURE)
                values[key] = value
    except RuleBroken as refusal:
        errors[BLOOD_PRESSURE] = refusal.sentence


def _check_separate_pressures(values: dict[str, Decimal], field: str, errors: dict[str, Sentence]) -> None:
    try:
        check_pressures(values.get("systolic"), values.get("diastolic"), field)
    except RuleBroken as refusal:
        errors[field] = refusal.sentence


def find_flag(
    key: str, value: Decimal, age_years: Decimal | None, *, saturation: ReferenceRange | None = None
) -> Flag | None:
    """The flag of an unusual value; None when it is usual or has no range. `saturation` is the prescribed range of SpO₂."""
    usual = saturation if saturation is not None and key == SATURATION else usual_range(key, age_years)
    if usual is None:
        return None
    code = usual.flag_of(value)
    return Flag(code, usual.text) if code else None
