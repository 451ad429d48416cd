"""Writes the rows of a list into a temporary file, row by row: as CSV (RFC 4180, UTF-8 with BOM) or as XLSX."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from io import BytesIO, TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

from hms.core.money import currency_decimals
from hms.core.text.formulas import may_be_formula

from .cells import Value, as_csv

EARLIEST = date(1900, 3, 1)
"""XLSX counts days from 1900 and takes that year for a leap year; earlier days are written as text."""
LONGEST = 32_767
"""Characters of a cell of XLSX."""


class FileFormat(StrEnum):
    """The formats of a file, by the words in addresses."""

    CSV = "csv"
    XLSX = "xlsx"


MIME_TYPES = {
    FileFormat.CSV: "text/csv",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ListFile(Protocol):
    """A file that is written row by row. `finish` returns it, to be read from its beginning; `discard` after an error."""

    def write_heading(self, labels: Sequence[str]) -> None: ...

    def write_row(self, values: Sequence[Value]) -> None: ...

    def finish(self) -> IO[bytes]: ...

    def discard(self) -> None: ...


class CsvFile:
    """A CSV file in UTF-8 with a byte order mark, by which spreadsheets know the encoding."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - `finish` returns it, `discard` closes it
        self._text = TextIOWrapper(self._file, encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._text)

    def write_heading(self, labels: Sequence[str]) -> None:
        self.write_row(labels)

    def write_row(self, values: Sequence[Value]) -> None:
        self._writer.writerow([as_csv(value) for value in values])

    def finish(self) -> IO[bytes]:
        self._text.detach()  # writes what it holds, and leaves the file open
        self._file.seek(0)
        return self._file

    def discard(self) -> None:
        self._text.close()


class XlsxFile:
    """A workbook of one sheet. Its rows are written to the disk as they come (openpyxl's write-only mode)."""

    def __init__(self, title: str, *, is_right_to_left: bool = False) -> None:
        from openpyxl import Workbook  # 10 MB that a web process does not need before it makes a workbook
        from openpyxl.cell import WriteOnlyCell

        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(title[:31])
        self._new_cell = partial(WriteOnlyCell, self._sheet)
        self._sheet.freeze_panes = "A2"
        self._sheet.sheet_view.rightToLeft = is_right_to_left
        self._money_format = f"0.{'0' * currency_decimals()}" if currency_decimals() else "0"

    def write_heading(self, labels: Sequence[str]) -> None:
        from openpyxl.styles import Font

        cells = [self._text_cell(label) for label in labels]
        for cell in cells:
            cell.font = Font(bold=True)
        self._sheet.append(cells)

    def write_row(self, values: Sequence[Value]) -> None:
        self._sheet.append([self._cell(value) for value in values])

    def _cell(self, value: Value) -> Any:
        if isinstance(value, str):
            return self._text_cell(value) if may_be_formula(value) or value.startswith("#") else value[:LONGEST]
        if isinstance(value, Decimal):
            cell = self._new_cell(value)
            cell.number_format = self._money_format if -value.as_tuple().exponent == currency_decimals() else "General"
            return cell
        if isinstance(value, date) and (value.year, value.month, value.day) < EARLIEST.timetuple()[:3]:
            return value.isoformat()
        return value

    def _text_cell(self, text: str) -> Any:
        """A cell that is text whatever it begins with, and stays text when somebody edits it."""
        cell = self._new_cell(text[:LONGEST])
        cell.data_type = "s"
        cell.quotePrefix = may_be_formula(text)
        return cell

    def finish(self) -> IO[bytes]:
        file = TemporaryFile()  # noqa: SIM115 - the caller closes it
        self._book.save(file)
        file.seek(0)
        return file

    def discard(self) -> None:
        self._book.save(BytesIO())  # saving removes openpyxl's own temporary file
