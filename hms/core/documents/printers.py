"""The printers that hospitals have; each document says which page it takes on each of them."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l


class Printer(StrEnum):
    """The kinds of printers: an office printer, one with a roll of cards, bands or labels, one of receipts."""

    A4 = "a4"
    ROLL = "roll"
    RECEIPT = "80mm"


PRINTER_NAMES = {
    Printer.A4: _l("A4 printer"),
    Printer.ROLL: _l("Printer with a roll"),
    Printer.RECEIPT: _l("Receipt printer, 80 mm"),
}
