"""The usual range of a measured value, of a vital sign or a laboratory test, where a value lies in it, and how a page says
so while the value is typed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """Usual values from `low` to `high`, both included; critical at and beyond the critical limits."""

    low: Decimal
    high: Decimal
    critical_low: Decimal | None
    critical_high: Decimal | None

    @property
    def text(self) -> str:
        """The usual range as printed: 36.1–38.0."""
        return f"{self.low}–{self.high}"

    def flag_of(self, value: Decimal) -> str:
        """ "critical_low", "critical_high", "low" or "high"; "" for a usual value."""
        if self.critical_low is not None and value <= self.critical_low:
            return "critical_low"
        if self.critical_high is not None and value >= self.critical_high:
            return "critical_high"
        if value < self.low:
            return "low"
        return "high" if value > self.high else ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The words beside the field of a typed value. `level` is normal, low, high, critical, note (neither) or wrong (not
    accepted)."""

    text: str
    level: str
