"""How well the kidneys work, estimated from creatinine by the measure that the source of a rule names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hms.core.text.translation import N_, Sentence

from .medicine_facts import ADULT_FROM
from .other_checks import PatientFacts

CRCL, EGFR, SCHWARTZ = "crcl", "egfr", "schwartz"
MEASURES = {
    CRCL: N_("creatinine clearance by Cockcroft and Gault"),
    EGFR: N_("eGFR by CKD-EPI 2021"),
    SCHWARTZ: N_("eGFR by Schwartz"),
}
MICROMOLES = Decimal("88.42")
"""µmol/L of creatinine in 1 mg/dL."""
SCHWARTZ_FROM = Decimal(1)
NO_CREATININE = N_("there is no creatinine result")
OLD_CREATININE = N_("the last creatinine is of %(day)s, more than %(days)s days ago")
NO_AGE = N_("the age is not known")
NO_SEX = N_("the sex is not recorded")
NO_WEIGHT = N_("the weight is not recorded")
NO_HEIGHT = N_("the height is not recorded")
OLD_WEIGHT = N_("the last weight is of %(day)s, more than %(days)s days ago")
OLD_HEIGHT = N_("the last height is of %(day)s, more than %(days)s days ago")
WEIGHT_DAYS, HEIGHT_DAYS = 365, 90
"""How long a weight of an adult counts, and a height of a child."""
TOO_YOUNG = N_("no estimate holds below the age of one year")


@dataclass(frozen=True, slots=True)
class Creatinine:
    """A creatinine in the blood, in µmol/L, and the day of the result."""

    micromoles: Decimal
    measured_on: date


@dataclass(frozen=True, slots=True)
class Size:
    """A weight (kg) or height (cm), and the day on which it was measured."""

    value: Decimal
    measured_on: date


@dataclass(frozen=True, slots=True)
class KidneyFacts:
    """What is known of the kidneys: the last creatinine, and whether it is of the last `days_valid` days up to `today`; the
    last height and weight."""

    creatinine: Creatinine | None
    today: date
    days_valid: int
    height: Size | None = None
    weight: Size | None = None

    @property
    def is_old(self) -> bool:
        return self.creatinine is not None and (self.today - self.creatinine.measured_on).days > self.days_valid


@dataclass(frozen=True, slots=True)
class KidneyFunction:
    """An estimate in mL/min, of the eGFR per 1.73 m² of body surface, by one of `MEASURES`; `size` is the weight or height
    that it used."""

    measure: str
    value: Decimal
    measured_on: date
    size: Size | None = None


def estimate(measure: str, person: PatientFacts, kidneys: KidneyFacts) -> KidneyFunction | Sentence:
    """The estimate by `measure`, of a child by Schwartz; or the reason why there is none."""
    last, age = kidneys.creatinine, person.age_years
    if last is None:
        return Sentence(NO_CREATININE)
    if kidneys.is_old:
        return Sentence(OLD_CREATININE, day=last.measured_on.isoformat(), days=kidneys.days_valid)
    if age is None:
        return Sentence(NO_AGE)
    creatinine = last.micromoles / MICROMOLES
    if age < ADULT_FROM:
        if age < SCHWARTZ_FROM:
            return Sentence(TOO_YOUNG)
        height = _recent(kidneys.height, kidneys.today, HEIGHT_DAYS, NO_HEIGHT, OLD_HEIGHT)
        if isinstance(height, Sentence):
            return height
        return KidneyFunction(SCHWARTZ, schwartz(creatinine, height.value), last.measured_on, height)
    if person.sex not in ("female", "male"):
        return Sentence(NO_SEX)
    is_female = person.sex == "female"
    if measure == EGFR:
        return KidneyFunction(EGFR, ckd_epi_2021(creatinine, age, is_female=is_female), last.measured_on)
    weight = _recent(kidneys.weight, kidneys.today, WEIGHT_DAYS, NO_WEIGHT, OLD_WEIGHT)
    if isinstance(weight, Sentence):
        return weight
    clearance = cockcroft_gault(creatinine, age, weight.value, is_female=is_female)
    return KidneyFunction(CRCL, clearance, last.measured_on, weight)


def _recent(size: Size | None, today: date, days: int, missing: str, old: str) -> Size | Sentence:
    """The size when it is of the last `days`; else why it does not count."""
    if size is None:
        return Sentence(missing)
    if (today - size.measured_on).days > days:
        return Sentence(old, day=size.measured_on.isoformat(), days=days)
    return size


def cockcroft_gault(creatinine: Decimal, age_years: Decimal, weight_kg: Decimal, *, is_female: bool) -> Decimal:
    """mL/min, from creatinine in mg/dL: Cockcroft and Gault, Nephron 1976;16:31-41."""
    clearance = max(140 - age_years, Decimal(1)) * weight_kg / (72 * creatinine)
    return clearance * Decimal("0.85") if is_female else clearance


def ckd_epi_2021(creatinine: Decimal, age_years: Decimal, *, is_female: bool) -> Decimal:
    """mL/min per 1.73 m², from creatinine in mg/dL, without race: Inker, N Engl J Med 2021;385:1737-49."""
    kappa, alpha = (Decimal("0.7"), Decimal("-0.241")) if is_female else (Decimal("0.9"), Decimal("-0.302"))
    ratio = creatinine / kappa
    rate = 142 * min(ratio, Decimal(1)) ** alpha * max(ratio, Decimal(1)) ** Decimal("-1.200")
    rate *= Decimal("0.9938") ** age_years
    return rate * Decimal("1.012") if is_female else rate


def schwartz(creatinine: Decimal, height_cm: Decimal) -> Decimal:
    """mL/min per 1.73 m² of a child, from creatinine in mg/dL: Schwartz, J Am Soc Nephrol 2009;20:629-37."""
    return Decimal("0.413") * height_cm / creatinine
