"""The machine-readable part of a patient's card: Code 128 and QR, as the paths of an SVG."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from barcode import Code128

QUIET_ZONE = 10
"""Modules of white on either side of a Code 128 (ISO/IEC 15417)."""


@dataclass(frozen=True)
class Codes:
    """`bars` is a path over `bars_width` modules of height 1; `qr` one over `qr_width` modules."""

    bars: str
    bars_width: int
    qr: str
    qr_width: int


def codes(hospital_number: str) -> Codes:
    """The hospital number for a scanner, which types it as if by hand."""
    modules = Code128(hospital_number).build()[0]
    bars = "".join(f"M{QUIET_ZONE + at}.5 0v1" for at, module in enumerate(modules) if module == "1")
    matrix = segno.make(hospital_number, error="m", micro=False).matrix
    dots = (f"M{x} {y}.5h1" for y, row in enumerate(matrix, 2) for x, dot in enumerate(row, 2) if dot)
    return Codes(bars, len(modules) + 2 * QUIET_ZONE, "".join(dots), len(matrix) + 4)
