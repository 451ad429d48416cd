"""Lists of the program that are CSV files with a heading. A hospital may replace them, so they may be missing or broken.

Their last line is the number of their rows ("# 25 rows"): a file that was cut off between two lines does not have it.
"""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, csv.Error)
"""What reading such a file may raise."""


_LAST_LINE = re.compile(r'\n"?# ([0-9]+) rows"?[,;]*\r?\n\Z')
"""Programs for tables may add commas and quotes, and begin a file with a byte order mark."""


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a file; raises `ValueError` or `csv.Error` when its end is cut off or a row was lost."""
    return parse_rows(path.read_text(encoding="utf-8-sig"), path.name)


def parse_rows(content: str, name: str) -> list[dict[str, str]]:
    """The rows of a file with this text; raises as `read_rows`."""
    last_line = _LAST_LINE.search(content)
    if last_line is None:
        raise ValueError(f"{name} does not end with its number of rows, such as “# 25 rows”")
    rows = list(csv.DictReader(StringIO(content[: last_line.start() + 1]), strict=True))
    if len(rows) != int(last_line[1]):
        raise ValueError(f"{name} has {len(rows)} rows, but its last line says {last_line[1]}")
    return rows


def read_complete_rows(path: Path) -> list[dict[str, str]]:
    """As `read_rows`; raises `ValueError` also when the file is empty or a line of it has too few or too many values."""
    return check_complete(read_rows(path), path.name)


def check_complete(rows: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    """The rows; raises `ValueError` when there are none, or a line has too few or too many values."""
    if not rows or any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{name} is empty or a line of it is incomplete")
    return rows
