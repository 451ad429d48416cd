"""The till receipt as lines of fixed width: 42 columns on 80 mm paper, 28 on 58 mm. Amounts are in the hospital's currency."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from hms.core.text.translation import N_, Sentence


class Paper(NamedTuple):
    """A roll: its width and printable width in mm, and how many characters of 10.5 CSS px fit."""

    width: int
    printable: int
    columns: int


PAPERS = {"80": Paper(80, 72, 42), "58": Paper(58, 48, 28)}
LINE_MM = 14 * 25.4 / 96
"""Height of a printed line of 14 CSS px."""
BARCODE_MM, FEED_MM = 16, 12


@dataclass(frozen=True)
class Sold:
    """One line of the bill."""

    description: str
    quantity: int
    unit_price: str
    amount: str


@dataclass(frozen=True)
class Slip:
    """What a receipt says; amounts are written already. `copy` counts reprints, 0 is the original."""

    hospital: tuple[str, ...]
    title: str
    when: str
    clerk: str
    patient: str
    hospital_number: str
    bill: str
    sold: tuple[Sold, ...]
    sums: tuple[tuple[str, str], ...]
    foot: str = ""
    copy: int = 0


def lines(slip: Slip, columns: int) -> list[str]:
    """The receipt, line by line, none longer than `columns`. A long description goes on in the next line; nothing is cut."""
    rule = "-" * columns
    head = [line.center(columns).rstrip() for text in slip.hospital if text for line in _wrapped(text, columns)]
    who = _ends(slip.patient, slip.hospital_number, columns) + _wrapped(slip.bill, columns)
    title = _wrapped(slip.title, columns) + _ends(slip.when, slip.clerk, columns)
    sold = [line for one in slip.sold for line in _sold(one, columns)]
    sums = [line for label, amount in slip.sums for line in _ends(label, amount, columns)]
    return [*head, "", *title, *who, rule, *sold, rule, *sums]


def foot(slip: Slip, columns: int) -> list[str]:
    """What stands under the barcode."""
    lines = [slip.foot, str(Sentence(N_("COPY %(number)s"), number=slip.copy)) if slip.copy else ""]
    return [line.center(columns).rstrip() for text in lines if text for line in _wrapped(text, columns)]


def height_mm(lines_: Iterable[str], feet: Iterable[str]) -> int:
    """The length of the paper in whole mm: `@page` needs one, `80mm auto` is not valid CSS."""
    count = len(list(lines_)) + len(list(feet))
    return round(count * LINE_MM + BARCODE_MM + FEED_MM + 0.5)


def _sold(one: Sold, columns: int) -> list[str]:
    figures = f"{one.quantity} x {one.unit_price:>6} {one.amount:>7}"
    return _ends(one.description, figures, columns)


def _ends(left: str, right: str, columns: int) -> list[str]:
    """`left` and `right` at the two ends of a line; `left` takes lines of its own when both do not fit in one."""
    if len(left) + 1 + len(right) <= columns:
        return [left + right.rjust(columns - len(left))]
    return [*_wrapped(left, columns), *(line.rjust(columns) for line in _wrapped(right.strip(), columns))]


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns) or [""]
