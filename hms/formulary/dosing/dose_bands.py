"""For whom a usual dose is written: the ages, weights and sex that its label names, beside its audience and its route.

A label is read as the data write it: "Child 6 to 11 years", "25 to 34 kg", "Child under 1 year", "35 kg and over", "Urine
infection, woman", "Blood pressure in pregnancy". "About 10 kg" is a fifth less or more, unless the label names ages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Protocol

CHILD_UNTIL = 12
CHILDBEARING_UNTIL = 56
ABOUT_FROM, ABOUT_UNTIL = Decimal("0.8"), Decimal("1.2")
_NUMBER, _UNIT = r"([0-9]{1,3})", r"(years?|months?|kg)"
_BETWEEN = re.compile(rf"\b{_NUMBER}(?: {_UNIT})? to {_NUMBER} {_UNIT}\b", re.IGNORECASE)
_UNDER = re.compile(rf"\bunder {_NUMBER} {_UNIT}\b", re.IGNORECASE)
_FROM = re.compile(rf"\b(?:from|over) {_NUMBER} {_UNIT}\b|\b{_NUMBER} {_UNIT} and over\b", re.IGNORECASE)
_ABOUT = re.compile(rf"\babout {_NUMBER} kg\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:adult|child|woman|man)\b", re.IGNORECASE)
_PREGNANCY = re.compile(r"\b(?:pregnancy|pregnant)\b", re.IGNORECASE)
_MOTHER = re.compile(r"\b(?:pregnancy|pregnant|after birth|labour|breastfeeding)\b", re.IGNORECASE)
_WOMAN = re.compile(r"\b(?:woman|women|vaginal|menstrual)\b", re.IGNORECASE)
_MAN = re.compile(r"\b(?:man|men|prostate)\b", re.IGNORECASE)
_MONTHS = {"month": 1, "months": 1, "year": 12, "years": 12}


class Patient(Protocol):
    """What is known of the patient; None when unknown. `sex` is a FHIR gender code."""

    @property
    def age_years(self) -> Decimal | None: ...
    @property
    def weight_kg(self) -> Decimal | None: ...
    @property
    def sex(self) -> str: ...
    @property
    def is_pregnant(self) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class DoseBand:
    """Limits of age (years) and weight (kg): from the first of a pair to below the second; None where there is no limit."""

    ages: tuple[Decimal | None, Decimal | None] = (None, None)
    weights: tuple[Decimal | None, Decimal | None] = (None, None)
    names_person: bool = False
    """Whether the label says adult or child: then a weight alone does not decide."""


@cache
def read_band(label: str) -> DoseBand:
    """The limits that a label names."""
    limits: dict[bool, tuple[Decimal | None, Decimal | None]] = {}
    for low, low_unit, high, high_unit in _BETWEEN.findall(label):
        ends = (_amount(low, low_unit or high_unit), _amount(str(int(high) + 1), high_unit))
        limits.setdefault(_is_weight(high_unit), ends)
    for number, unit in _UNDER.findall(label):
        limits.setdefault(_is_weight(unit), (None, _amount(number, unit)))
    for groups in _FROM.findall(label):
        number, unit = groups[:2] if groups[0] else groups[2:]
        limits.setdefault(_is_weight(unit), (_amount(number, unit), None))
    about = _ABOUT.search(label)
    if about and not limits:
        limits[True] = (int(about[1]) * ABOUT_FROM, int(about[1]) * ABOUT_UNTIL)
    nothing = (None, None)
    return DoseBand(limits.get(False, nothing), limits.get(True, nothing), bool(_PERSON.search(label)))


def _is_weight(unit: str) -> bool:
    return unit.lower() == "kg"


def _amount(number: str, unit: str) -> Decimal:
    """Kilograms, or years."""
    return Decimal(number) if _is_weight(unit) else Decimal(number) * _MONTHS[unit.lower()] / 12


def suits(label: str, audience: str | None, route: str, patient: Patient) -> bool:
    """Whether a usual dose is written for a patient of this age, weight and sex. What is unknown excludes no dose, but a child
    who was not weighed gets none by weight.

    Where the weight is known and the label has only a weight ("25 to 34 kg"), the weight decides and not the audience.
    """
    band, age_years, weight_kg = read_band(label), patient.age_years, patient.weight_kg
    is_child = age_years is not None and age_years < CHILD_UNTIL
    if is_child and weight_kg is None and any(band.weights):
        return False
    if not (_is_within(age_years, band.ages) and _is_within(weight_kg, band.weights)):
        return False
    if not _suits_sex(label, route, patient):
        return False
    if weight_kg is not None and any(band.weights) and not band.names_person:
        return True
    if age_years is None or audience in (None, "", "any"):
        return True
    return audience == ("child" if is_child else "adult")


def _suits_sex(label: str, route: str, patient: Patient) -> bool:
    """Doses for women are not for men and the other way round; doses in pregnancy and after birth only for mothers' ages."""
    is_for_mother = bool(_MOTHER.search(label))
    if patient.sex == "male":
        return not (is_for_mother or route == "vaginal" or _WOMAN.search(label))
    if patient.sex == "female" and _MAN.search(label):
        return False
    if not is_for_mother:
        return True
    is_past_age = patient.age_years is not None and patient.age_years >= CHILDBEARING_UNTIL
    return not is_past_age and not (patient.is_pregnant is False and _PREGNANCY.search(label))


def _is_within(value: Decimal | None, limits: tuple[Decimal | None, Decimal | None]) -> bool:
    low, high = limits
    return value is None or ((low is None or value >= low) and (high is None or value < high))
