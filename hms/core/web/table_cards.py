"""On a phone each row of a table is a card: every cell shows the heading of its column before its value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

UNLABELLED = frozenset({"actions", "hidden"})
"""Kinds of columns whose heading is for screen readers only."""
_TAG = re.compile(r"<(tr|td|th)\b([^>]*)>")
_EMPTY = re.compile(r"(<td\b[^>]*)>\s*</td>")
_COLSPAN = re.compile(r'\bcolspan="(\d+)"')


def label_cells(rows: Markup, columns: Sequence[Any]) -> Markup:
    """The rows with `data-label` on each `td`: the heading above it.

    A cell with its own label, or over several columns, stays as it is; an empty one is marked `data-none` and not shown
    on a phone. `columns` are those of the macro `table`: a text, or a text and a kind.
    """
    labels = [_label(column) for column in columns]
    position = 0

    def label(tag: re.Match[str]) -> str:
        nonlocal position
        name, attributes = tag.groups()
        if name == "tr":
            position = 0
            return tag.group()
        wide = _COLSPAN.search(attributes)
        at, position = position, position + (int(wide.group(1)) if wide else 1)
        if name == "th" or wide or "data-label" in attributes or at >= len(labels) or not labels[at]:
            return tag.group()
        return f'<td data-label="{escape(labels[at])}"{attributes}>'

    return Markup(_TAG.sub(label, _EMPTY.sub(r"\1 data-none></td>", str(escape(rows)))))  # noqa: S704 - headings and rows are escaped # nosec B704


def _label(column: Any) -> str:
    if isinstance(column, str):
        return column
    text, kind = (*column, "")[:2]
    return "" if kind in UNLABELLED else str(text)
