"""The usual ranges of vital signs by age, from `data/vitals_ranges.csv`.

While the file is missing or broken no sign has a range: values are saved and shown, and the pages say that none is compared.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

from hms.clinical.reference_ranges import ReferenceRange
from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.seldom_log import log_seldom

log = logging.getLogger(__name__)

DATA = Path(__file__).parents[1] / "data"
OLDEST = 150
"""Years; the last band of each sign ends here."""
SIGNS = frozenset(
    {
        *("temperature", "pulse", "respiratory_rate", "oxygen_saturation", "systolic", "diastolic"),
        *("pain", "glucose"),
    }
)
"""Every sign that has a range."""

SCALE_2 = {
    True: ReferenceRange(Decimal(88), Decimal(92), Decimal(83), Decimal(97)),
    False: ReferenceRange(Decimal(88), Decimal(100), Decimal(83), None),
}
"""The saturation of a patient for whom scale 2 is prescribed, on oxygen or not: critical where NEWS2 gives 3 points."""

Band = tuple[Decimal, Decimal, ReferenceRange]
"""From this age in years, to this age, the range."""


def are_readable() -> bool:
    """Whether the ranges can be read; without them no value is compared."""
    return bool(_bands_by_sign())


def usual_range(key: str, age_years: Decimal | None) -> ReferenceRange | None:
    """The usual range of a vital sign at an age, an adult's when the age is unknown; None for weight and height."""
    bands = _bands_by_sign().get(key, ())
    if age_years is None:
        return bands[-1][2] if bands else None
    return next((band for start, end, band in bands if start <= age_years < end), None)


def saturation_range(scale: int, *, on_oxygen: bool | None) -> ReferenceRange | None:
    """The range of the saturation where scale 2 is prescribed; None where that of the age counts."""
    return SCALE_2[bool(on_oxygen)] if scale == 2 else None


def _bands_by_sign() -> dict[str, tuple[Band, ...]]:
    try:
        return _read_bands()
    except BROKEN as error:
        log_seldom(log, "ranges", "vitals_ranges.csv cannot be read, no vital sign is compared: %s", error)
        return {}


@cache
def _read_bands() -> dict[str, tuple[Band, ...]]:
    bands: dict[str, tuple[Band, ...]] = {}
    for row in read_complete_rows(DATA / "vitals_ranges.csv"):
        limits = {name: Decimal(row[name]) if row[name] else None for name in ("critical_low", "critical_high")}
        band = ReferenceRange(Decimal(row["low"]), Decimal(row["high"]), **limits)
        ages = Decimal(row["from_years"]), Decimal(row["to_years"])
        bands[row["key"]] = (*bands.get(row["key"], ()), (*ages, band))
    _check_complete(bands)
    return bands


def _check_complete(bands: dict[str, tuple[Band, ...]]) -> None:
    """Raise `ValueError` when a sign or an age has no range, as in a file that was cut off."""
    if set(bands) != SIGNS:
        raise ValueError("a vital sign is missing or unknown")
    for key, of_sign in bands.items():
        has_gap = any(first[1] != second[0] for first, second in pairwise(of_sign))
        if has_gap or of_sign[0][0] != 0 or of_sign[-1][1] != OLDEST:
            raise ValueError(f"an age has no range of {key}")
