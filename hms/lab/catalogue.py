"""The laboratory's list of tests with prices and reference ranges, read once from `data/*.csv`.

The lists are a proposal: `data/README.md` says who must approve them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from hms.clinical.reference_ranges import ReferenceRange
from hms.core.data_files import BROKEN, read_complete_rows
from hms.core.errors import Unavailable
from hms.core.money import Money
from hms.core.seldom_log import log_seldom
from hms.core.text.translation import N_

log = logging.getLogger(__name__)

DATA = Path(__file__).parent / "data"
_PRINTED_UNITS = {"10*9/L": "×10⁹/L", "10*6/L": "×10⁶/L", "umol/L": "µmol/L"}


FLAG_NAMES = {
    "": "",
    "low": N_("Low"),
    "high": N_("High"),
    "critical_low": N_("Critical low"),
    "critical_high": N_("Critical high"),
}
"""As results store them, by `ReferenceRange.flag_of`."""


@dataclass(frozen=True, slots=True)
class Range(ReferenceRange):
    """The reference range of a sex and an age band."""

    sex: str
    from_years: Decimal
    to_years: Decimal

    def applies_to(self, sex: str, age_years: Decimal) -> bool:
        return self.sex in ("any", sex) and self.from_years <= age_years < self.to_years


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test that can be ordered.

    `result` is number, choice, text or panel. `choices` are the possible answers, or the codes of a panel's tests.
    `unit` is UCUM, `printed_unit` is for people. `price` is in leones (SLE). `billing_label` hides on the bill what the test
    is for. A number outside `possible_low` to `possible_high` is refused. `factors` are other units and what a number in
    them is multiplied with.
    """

    code: str
    name: str
    billing_label: str
    specimen: str
    unit: str
    result: str
    choices: tuple[str, ...]
    price: Money
    loinc: str
    ranges: tuple[Range, ...]
    possible_low: Decimal | None = None
    possible_high: Decimal | None = None
    factors: tuple[tuple[str, Decimal], ...] = ()

    @property
    def printed_unit(self) -> str:
        return _PRINTED_UNITS.get(self.unit, self.unit)

    def is_possible(self, value: Decimal) -> bool:
        """Whether a living patient can have this value."""
        above = self.possible_low is None or value >= self.possible_low
        return above and (self.possible_high is None or value <= self.possible_high)

    def range_for(self, sex: str, age_years: Decimal | None) -> Range | None:
        """The reference range of a patient (`sex` is a FHIR gender); None when the age is unknown or no range suits."""
        if age_years is None:
            return None
        return next((band for band in self.ranges if band.applies_to(sex, age_years)), None)

    def flag_of_bound(self, sign: str, bound: Decimal, sex: str, age_years: Decimal | None) -> str:
        """The flag that is certain for every value below (`sign` "<") or above (">") the bound."""
        usual = self.range_for(sex, age_years)
        if usual is None:
            return ""
        if sign == "<":
            if usual.critical_low is not None and bound <= usual.critical_low:
                return N_("Critical low")
            return N_("Low") if bound <= usual.low else ""
        if usual.critical_high is not None and bound >= usual.critical_high:
            return N_("Critical high")
        return N_("High") if bound >= usual.high else ""

    def flag_of(self, value: Decimal, sex: str, age_years: Decimal | None) -> str:
        """Low, High, Critical low or Critical high; "" when the value is usual or has no range."""
        usual = self.range_for(sex, age_years)
        if usual is None:
            return ""
        return FLAG_NAMES[usual.flag_of(value)]


def tests() -> dict[str, LabTest]:
    """All tests by code, in the order of the list; `Unavailable` while a file is missing or broken."""
    try:
        return _read_tests()
    except BROKEN as error:
        log_seldom(log, "lab catalogue", "the files of the laboratory cannot be read: %s", error)
        message = N_("The lists of laboratory tests cannot be read. Tell an administrator that their files are broken.")
        raise Unavailable(message) from error


@cache
def _read_tests() -> dict[str, LabTest]:
    ranges: dict[str, tuple[Range, ...]] = {}
    for row in _rows("ranges"):
        ranges[row["test"]] = (*ranges.get(row["test"], ()), _range(row))
    factors: dict[str, tuple[tuple[str, Decimal], ...]] = {}
    for row in _rows("units"):
        factors[row["test"]] = (*factors.get(row["test"], ()), (row["unit"], Decimal(row["factor"])))
    return {
        row["code"]: _test(row, ranges.get(row["code"], ()), factors.get(row["code"], ())) for row in _rows("tests")
    }


def _rows(name: str) -> list[dict[str, str]]:
    return read_complete_rows(DATA / f"{name}.csv")


def _range(row: dict[str, str]) -> Range:
    numbers = {name: Decimal(row[name]) for name in ("from_years", "to_years", "low", "high")}
    critical = {name: Decimal(row[name]) if row[name] else None for name in ("critical_low", "critical_high")}
    return Range(sex=row["sex"], **numbers, **critical)


def _test(row: dict[str, str], ranges: tuple[Range, ...], factors: tuple[tuple[str, Decimal], ...]) -> LabTest:
    return LabTest(
        code=row["code"],
        name=row["name"],
        billing_label=row["billing_label"],
        specimen=row["specimen"],
        unit=row["unit"],
        result=row["result"],
        choices=tuple(choice for choice in row["choices"].split(";") if choice),
        price=Money(row["price_sle"]),
        loinc=row["loinc"],
        ranges=ranges,
        possible_low=Decimal(row["possible_low"]) if row["possible_low"] else None,
        possible_high=Decimal(row["possible_high"]) if row["possible_high"] else None,
        factors=factors,
    )
