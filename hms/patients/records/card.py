"""The machine-readable part of a patient's card: Code 128 and QR, as the paths of an SVG."""

from __future__ import annotations

from dataclasses import dataclass

import segno

from hms.core.documents.barcodes import Bars, code128


@dataclass(frozen=True)
class CardCodes:
    """`bars` is the Code 128; `qr` a path over `qr_width` modules."""

    bars: Bars
    qr: str
    qr_width: int


def build_codes(hospital_number: str) -> CardCodes:
    """The hospital number for a scanner, which types it as if by hand."""
    matrix = segno.make(hospital_number, error="m", micro=False).matrix
    dots = (f"M{x} {y}.5h1" for y, row in enumerate(matrix, 2) for x, dot in enumerate(row, 2) if dot)
    return CardCodes(code128(hospital_number), "".join(dots), len(matrix) + 4)
