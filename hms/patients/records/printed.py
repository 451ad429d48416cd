"""Printed documents that name a patient: card, wrist band, folder label, each one page on the printer of the desk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import segno
from flask_babel import lazy_gettext as _l

from hms.core.documents.barcodes import Bars, code128
from hms.core.documents.printers import Printer


class PrintedDocument(StrEnum):
    """What is printed; the value is the last part of the page's address."""

    CARD = "card"
    WRIST_BAND = "wrist-band"
    FOLDER_LABEL = "folder-label"


DOCUMENT_NAMES = {
    PrintedDocument.CARD: _l("Card"),
    PrintedDocument.WRIST_BAND: _l("Wrist band"),
    PrintedDocument.FOLDER_LABEL: _l("Folder label"),
}
PAGE_SIZES: dict[tuple[PrintedDocument, Printer], tuple[float, float]] = {
    (PrintedDocument.CARD, Printer.A4): (210, 297),
    (PrintedDocument.CARD, Printer.ROLL): (85.6, 54),
    (PrintedDocument.CARD, Printer.RECEIPT): (80, 60),
    (PrintedDocument.WRIST_BAND, Printer.A4): (297, 210),
    (PrintedDocument.WRIST_BAND, Printer.ROLL): (279, 25),
    (PrintedDocument.WRIST_BAND, Printer.RECEIPT): (80, 46),
    (PrintedDocument.FOLDER_LABEL, Printer.A4): (210, 297),
    (PrintedDocument.FOLDER_LABEL, Printer.ROLL): (70, 35),
    (PrintedDocument.FOLDER_LABEL, Printer.RECEIPT): (80, 46),
}
"""Width and height in mm. Cards are of ISO/IEC 7810 ID-1; bands for adults are 25 × 279 mm, and the label is that of
medicines, so that one roll serves both."""


@dataclass(frozen=True)
class PatientCodes:
    """`bars` is the Code 128; `qr` a path over `qr_width` modules."""

    bars: Bars
    qr: str
    qr_width: int


def build_codes(hospital_number: str) -> PatientCodes:
    """Bar code and QR code of the hospital number; scanners type it like a keyboard."""
    matrix = segno.make(hospital_number, error="m", micro=False).matrix
    dots = (f"M{x} {y}.5h1" for y, row in enumerate(matrix, 2) for x, dot in enumerate(row, 2) if dot)
    return PatientCodes(code128(hospital_number), "".join(dots), len(matrix) + 4)
