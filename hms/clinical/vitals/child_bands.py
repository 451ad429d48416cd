"""Bands of a child's vital signs by age, after the Bedside Paediatric Early Warning System: C. S. Parshuram, J. Hutchison and
K. Middaugh, Critical Care 2009, 13:R135, table 1 (https://ccforum.biomedcentral.com/articles/10.1186/cc7998/tables/1).

Each sign has 0, 1, 2 or 4 points. They are not added up: the score also needs breathing effort and capillary refill, which are
not recorded, and a sum of fewer items would be too low. From 16 years on NEWS2 is used.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

from flask_babel import lazy_gettext as _l

from hms.clinical import labels
from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.seldom_log import log_seldom
from hms.core.text.translation import N_, Sentence

from .news2 import SCORED_FROM

log = logging.getLogger(__name__)
DATA = Path(__file__).parents[1] / "data"
SIGNS = ("pulse", "respiratory_rate", "systolic")
HIGHEST = 4
SOURCE = "Bedside PEWS, Crit Care 2009, 13:R135"
WORDS = {
    0: _l("as expected"),
    1: _l("a little outside"),
    2: _l("clearly outside"),
    HIGHEST: _l("far outside"),
}


@dataclass(frozen=True, slots=True)
class Band:
    """The limits of one sign from an age in years to another: this value or less, or this value or more, has these points."""

    from_years: Decimal
    to_years: Decimal
    low: Mapping[int, Decimal]
    high: Mapping[int, Decimal]

    def points_of(self, value: Decimal) -> int:
        reached = (points for points in (HIGHEST, 2, 1) if value <= self.low[points] or value >= self.high[points])
        return next(reached, 0)


@dataclass(frozen=True, slots=True)
class ChildBands:
    """The points of each sign that was measured."""

    points: Mapping[str, int]

    @property
    def highest(self) -> int:
        return max(self.points.values())

    @property
    def needs_review(self) -> bool:
        """Whether one sign has the most points that it can have."""
        return self.highest == HIGHEST

    @property
    def sentence(self) -> Sentence:
        """The signs with points, and the source: "Child's bands (source): Pulse 4 of 4 – far outside"."""
        shown = [(key, points) for key, points in self.points.items() if points] or list(self.points.items())
        parts = {key: Sentence(_PART, sign=labels.VITAL_SIGNS[key], points=n, word=WORDS[n]) for key, n in shown}
        listed = Sentence(" · ".join(f"%({key})s" for key in parts), **parts)
        return Sentence(N_("Bands of this age (%(source)s): %(signs)s"), source=SOURCE, signs=listed)


_PART = N_("%(sign)s %(points)s of 4, %(word)s")


def find_bands(values: Mapping[str, Decimal], age_years: Decimal | None) -> ChildBands | None:
    """The bands of a child's vital signs; None from 16 years on, for an unknown age, and without a sign that has bands."""
    if age_years is None or age_years >= SCORED_FROM:
        return None
    points = {
        key: band.points_of(values[key])
        for key in SIGNS
        if key in values and (band := _band_of(key, age_years)) is not None
    }
    return ChildBands(points) if points else None


def _band_of(key: str, age_years: Decimal) -> Band | None:
    return next((band for band in _bands().get(key, ()) if band.from_years <= age_years < band.to_years), None)


def _bands() -> dict[str, tuple[Band, ...]]:
    """The bands by sign; none while the file is missing or broken, so that no child is called well."""
    try:
        return _read_bands()
    except BROKEN as error:
        log_seldom(log, "child bands", "child_bands.csv cannot be read, no child is compared with it: %s", error)
        return {}


@cache
def _read_bands() -> dict[str, tuple[Band, ...]]:
    bands: dict[str, tuple[Band, ...]] = {}
    for row in read_complete_rows(DATA / "child_bands.csv"):
        low, high = ({n: Decimal(row[f"{side}_{n}"]) for n in (1, 2, HIGHEST)} for side in ("low", "high"))
        band = Band(Decimal(row["from_years"]), Decimal(row["to_years"]), low, high)
        bands[row["key"]] = (*bands.get(row["key"], ()), band)
    for key in SIGNS:
        of_sign = bands[key]
        has_gap = any(first.to_years != second.from_years for first, second in pairwise(of_sign))
        if has_gap or of_sign[0].from_years != 0 or of_sign[-1].to_years != SCORED_FROM:
            raise ValueError(f"an age has no band of {key}")
    return bands
