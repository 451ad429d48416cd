"""Code 128 bar codes as the path of an SVG. A scanner reads them and sends the text like a keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from barcode import Code128

QUIET_ZONE = 10
"""Width of the white space on each side, in modules (ISO/IEC 15417)."""


class Bars(NamedTuple):
    """An SVG path of the dark bars, `width` modules wide and one module high."""

    width: int
    path: str


def code128(text: str) -> Bars:
    """The Code 128 bar code of `text`, with its quiet zones."""
    modules = Code128(text).build()[0]
    return Bars(len(modules) + 2 * QUIET_ZONE, "".join(_bar_paths(modules)))


def _bar_paths(modules: str) -> Iterator[str]:
    x = QUIET_ZONE
    for module, run in groupby(modules):
        width = len(list(run))
        if module == "1":
            yield f"M{x} 0h{width}v1h-{width}z"
        x += width
