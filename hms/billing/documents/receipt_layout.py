"""The till receipt as lines of fixed width: 42 columns on 80 mm paper, 28 on 58 mm. Amounts are in the hospital's currency."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from hms.core.text.translation import N_, Sentence


class PaperRoll(NamedTuple):
    """A roll of paper: its width and printable width in mm, and how many characters of 10.5 CSS px fit in a line."""

    width: int
    printable: int
    columns: int


PAPER_ROLLS = {"80": PaperRoll(80, 72, 42), "58": PaperRoll(58, 48, 28)}
LINE_MM = 14 * 25.4 / 96
"""Height of a printed line of 14 CSS px."""
BARCODE_MM, FEED_MM = 16, 12


@dataclass(frozen=True)
class ReceiptLine:
    """One line of the bill; amounts are formatted text."""

    description: str
    quantity: int
    unit_price: str
    amount: str


@dataclass(frozen=True)
class Slip:
    """The content of a receipt or credit note; amounts are formatted text. `notes` are sentences above the lines of the bill,
    `more` is one below them. `signature` is the label of a line to sign on. `copy` is the number of the reprint, 0 for the
    original."""

    hospital: tuple[str, ...]
    title: str
    when: str
    clerk: str
    patient: str
    hospital_number: str
    bill: str
    lines: tuple[ReceiptLine, ...]
    sums: tuple[tuple[str, str], ...]
    foot: str = ""
    copy: int = 0
    notes: tuple[str, ...] = ()
    signature: str = ""
    more: str = ""


def lines(slip: Slip, columns: int) -> list[str]:
    """The receipt, line by line, none longer than `columns`. A long description continues on the next line; nothing is cut."""
    rule = "-" * columns
    head = [line.center(columns).rstrip() for text in slip.hospital if text for line in _wrapped(text, columns)]
    patient = _justify(slip.patient, slip.hospital_number, columns) + _wrapped(slip.bill, columns)
    title = _wrapped(slip.title, columns) + _justify(slip.when, slip.clerk, columns)
    bill_lines = [printed for note in slip.notes for printed in _wrapped(note, columns)]
    bill_lines += [printed for line in slip.lines for printed in _line(line, columns)]
    bill_lines += _wrapped(slip.more, columns) if slip.more else []
    sums = [line for label, amount in slip.sums for line in _justify(label, amount, columns)]
    signature = ["", "", "." * columns, *_wrapped(slip.signature, columns)] if slip.signature else []
    return [*head, "", *title, *patient, rule, *bill_lines, rule, *sums, *signature]


def foot(slip: Slip, columns: int) -> list[str]:
    """The lines below the barcode."""
    texts = [slip.foot, str(Sentence(N_("COPY %(number)s"), number=slip.copy)) if slip.copy else ""]
    return [line.center(columns).rstrip() for text in texts if text for line in _wrapped(text, columns)]


def height_mm(lines_: Iterable[str], foot_lines: Iterable[str]) -> int:
    """The length of the paper in whole mm: `@page` needs one, `80mm auto` is not valid CSS."""
    count = len(list(lines_)) + len(list(foot_lines))
    return round(count * LINE_MM + BARCODE_MM + FEED_MM + 0.5)


def _line(line: ReceiptLine, columns: int) -> list[str]:
    figures = f"{line.quantity} x {line.unit_price:>6} {line.amount:>7}"
    return _justify(line.description, figures, columns)


def _justify(left: str, right: str, columns: int) -> list[str]:
    """`left` and `right` at the two ends of a line; on separate lines when both do not fit in one."""
    if len(left) + 1 + len(right) <= columns:
        return [left + right.rjust(columns - len(left))]
    return [*_wrapped(left, columns), *(line.rjust(columns) for line in _wrapped(right.strip(), columns))]


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns) or [""]
