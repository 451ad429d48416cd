"""Lists of the program that are CSV files with a heading. A hospital may replace them, so they may be missing or broken."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, csv.Error)
"""What reading such a file may raise."""


def read_rows(path: Path) -> list[dict[str, str]]:
    """The lines of a file; raises `ValueError` or `csv.Error` when its end is cut off."""
    content = path.read_text(encoding="utf-8")
    if content and not content.endswith("\n"):
        raise ValueError(f"the last line of {path.name} is not complete")
    return list(csv.DictReader(StringIO(content), strict=True))


def read_complete_rows(path: Path) -> list[dict[str, str]]:
    """As `read_rows`; raises `ValueError` also when the file is empty or a line of it has too few or too many values."""
    rows = read_rows(path)
    if not rows or any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path.name} is empty or a line of it is incomplete")
    return rows
