"""NEWS2, the National Early Warning Score 2 of the Royal College of Physicians (London, 2017).

It is valid from 16 years, not in pregnancy, and only with all seven parameters: a score from fewer would be too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from hms.core.text.translation import N_, Sentence

SCORED_FROM = 16
ALERT = "alert"
CONSCIOUSNESS: dict[str, str] = {
    ALERT: _l("Alert"),
    "confusion": _l("New confusion"),
    "voice": _l("Responds to voice"),
    "pain": _l("Responds to pain"),
    "unresponsive": _l("Unresponsive"),
}

# Pairs of upper limit (included) and points; the last pair is for all higher values.
_Steps = tuple[tuple[Decimal | None, int], ...]


def _steps(*pairs: tuple[str | None, int]) -> _Steps:
    return tuple((None if limit is None else Decimal(limit), points) for limit, points in pairs)


RESPIRATORY_RATE = _steps(("8", 3), ("11", 1), ("20", 0), ("24", 2), (None, 3))
SATURATION_1 = _steps(("91", 3), ("93", 2), ("95", 1), (None, 0))
SATURATION_2_AIR = _steps(("83", 3), ("85", 2), ("87", 1), (None, 0))
SATURATION_2_OXYGEN = _steps(("83", 3), ("85", 2), ("87", 1), ("92", 0), ("94", 1), ("96", 2), (None, 3))
SYSTOLIC = _steps(("90", 3), ("100", 2), ("110", 1), ("219", 0), (None, 3))
PULSE = _steps(("40", 3), ("50", 1), ("90", 0), ("110", 1), ("130", 2), (None, 3))
TEMPERATURE = _steps(("35.0", 3), ("36.0", 1), ("38.0", 0), ("39.0", 1), (None, 2))

BANDS: dict[str, tuple[str, str]] = {
    "low": (_l("low"), _l("repeat in 4–6 h")),
    "none": (_l("low"), _l("repeat in 12 h")),
    "low_medium": (_l("low–medium"), _l("one parameter scores 3: clinician to review urgently, repeat every hour")),
    "medium": (_l("medium"), _l("clinician to review urgently, repeat every hour")),
    "high": (_l("high"), _l("emergency: call the doctor now, watch continuously")),
}


@dataclass(frozen=True, slots=True)
class Score:
    """The total, the points of each parameter, and the band: none, low, low_medium, medium or high."""

    total: int
    points: Mapping[str, int]
    band: str

    @property
    def risk(self) -> str:
        return BANDS[self.band][0]

    @property
    def advice(self) -> str:
        return BANDS[self.band][1]

    @property
    def needs_review(self) -> bool:
        """Whether the score needs an urgent response: a total of 5, or 3 in one parameter."""
        return self.band in ("low_medium", "medium", "high")

    def __str__(self) -> str:
        return f"NEWS2 {self.total}: {self.risk} – {self.advice}"


def reason_not_scored(
    values: Mapping[str, Decimal],
    *,
    age_years: Decimal | None,
    is_pregnant: bool | None,
    consciousness: str | None,
    on_oxygen: bool | None,
) -> Sentence | None:
    """Why there is no score; None when there is one. Unknown pregnancy counts as not pregnant."""
    if age_years is None or age_years < SCORED_FROM:
        return Sentence(N_("NEWS2 is for people of 16 years and over."))
    if is_pregnant:
        return Sentence(N_("NEWS2 is not valid in pregnancy."))
    missing = [label for key, label in _NEEDED.items() if values.get(key) is None]
    if consciousness not in CONSCIOUSNESS:
        missing.append(_l("consciousness"))
    if on_oxygen is None:
        missing.append(_l("air or oxygen"))
    if not missing:
        return None
    return Sentence(N_("NEWS2 still needs: %(missing)s."), missing=", ".join(map(str, missing)))


_NEEDED: dict[str, str] = {
    "respiratory_rate": _l("respiratory rate"),
    "oxygen_saturation": _l("SpO₂"),
    "systolic": _l("systolic blood pressure"),
    "pulse": _l("pulse"),
    "temperature": _l("temperature"),
}


def calculate_news2(
    values: Mapping[str, Decimal],
    *,
    age_years: Decimal | None,
    is_pregnant: bool | None,
    consciousness: str | None,
    on_oxygen: bool | None,
    scale: int = 1,
) -> Score | None:
    """The score from vital signs by key (°C, mmHg, per minute, per cent); None when `reason_not_scored` has a reason.

    `scale` is 2 only where a doctor has set the lower saturation target (88–92 %) for this patient.
    """
    circumstances = {
        "age_years": age_years,
        "is_pregnant": is_pregnant,
        "consciousness": consciousness,
        "on_oxygen": on_oxygen,
    }
    if reason_not_scored(values, **circumstances):
        return None
    points = {
        "respiratory_rate": _points(RESPIRATORY_RATE, values["respiratory_rate"]),
        "oxygen_saturation": _points(_saturation(scale, bool(on_oxygen)), values["oxygen_saturation"]),
        "oxygen": 2 if on_oxygen else 0,
        "systolic": _points(SYSTOLIC, values["systolic"]),
        "pulse": _points(PULSE, values["pulse"]),
        "consciousness": 0 if consciousness == ALERT else 3,
        "temperature": _points(TEMPERATURE, values["temperature"]),
    }
    total = sum(points.values())
    return Score(total, points, _band(total, max(points.values())))


def _saturation(scale: int, on_oxygen: bool) -> _Steps:
    if scale == 1:
        return SATURATION_1
    return SATURATION_2_OXYGEN if on_oxygen else SATURATION_2_AIR


def _points(steps: _Steps, value: Decimal) -> int:
    return next(points for limit, points in steps if limit is None or value <= limit)


def _band(total: int, highest: int) -> str:
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    if highest == 3:
        return "low_medium"
    return "low" if total else "none"
