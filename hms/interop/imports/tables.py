"""Reads a file with a table: CSV (UTF-8, else Windows-1252) or the first sheet of an XLSX workbook.

A request reads a file by `reader.read_file`, which keeps it from holding up others.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.formulas import may_be_formula
from hms.core.text.numbers import POINT
from hms.core.text.translation import N_

from . import workbook_parts

MAX_BYTES = 1_900_000
MAX_ROWS = 10_000
MAX_COLUMNS = 100
MAX_CELLS = 300_000
MAX_CELL_LENGTH = 5_000
SPARE_ROWS = 1_000
"""So many blank rows of a sheet are read beyond `MAX_ROWS`."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_XLSX, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
EMPTY = N_("The file is empty. Choose a file with headings in its first row.")
NOT_TEXT = N_("The file cannot be read as text. Save it as “CSV UTF-8” or as an Excel workbook (.xlsx).")


@dataclass
class Table:
    """The headings and the rows of a file; each row has its number in the spreadsheet. `encoding` is utf-8, windows-1252 or
    xlsx, `separator` a value of `SEPARATORS` or ""."""

    headings: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    encoding: str = ""
    separator: str = ""


def is_workbook(content: bytes) -> bool:
    """Whether the file begins like an XLSX workbook."""
    return content.startswith(_XLSX)


def read_table(content: bytes, decimal_sign: str = POINT) -> Table:
    """The table in `content`; numbers of a workbook get `decimal_sign`. Raises `RuleBroken` at `file`."""
    if not content.strip():
        raise _refused(EMPTY)
    if len(content) > MAX_BYTES:
        raise _refused(N_("The file is larger than 1.9 MB. Divide it into several files."))
    if content.startswith(_OLD_EXCEL):
        raise _refused(N_("This is a workbook of an old or a locked kind. Save it as .xlsx without a password."))
    if is_workbook(content):
        return _checked(_read_workbook(content, decimal_sign))
    return _checked(_read_csv(content))


def _refused(message: str, **values: object) -> RuleBroken:
    return RuleBroken(message, "file", **values)


def _read_csv(content: bytes) -> Table:
    if b"\0" in content:
        raise _refused(NOT_TEXT)
    try:
        text, encoding = content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = _windows_text(content), "windows-1252"
    first_line, _break, rest = text.partition("\n")
    if first_line.lower().startswith("sep="):
        text, first_line = rest, rest.partition("\n")[0]
    separator = max(SEPARATORS, key=_outside_quotes(first_line).count)
    table = Table(encoding=encoding, separator=SEPARATORS[separator])
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    _fill(table, enumerate(_csv_rows(lines), 1))
    return table


def _windows_text(content: bytes) -> str:
    try:
        return content.decode("windows-1252")
    except UnicodeDecodeError:
        raise _refused(NOT_TEXT) from None


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _csv_rows(lines: Any) -> Iterator[list[str]]:
    begins = 1
    try:
        for row in lines:
            yield row
            begins = lines.line_num + 1
    except csv.Error:
        raise _refused(
            N_("Line %(line)s cannot be read: a quotation mark is missing, or the line is too long."), line=begins
        ) from None


def _read_workbook(content: bytes, decimal_sign: str) -> Table:
    table = Table(encoding="xlsx")
    try:
        workbook_parts.check(content)
        _read_sheet(table, content, decimal_sign)
        _check_formulas(content)
    except RuleBroken:
        raise
    except Exception:  # whatever the parsers of a broken workbook raise
        raise _refused(workbook_parts.BAD_WORKBOOK) from None
    return table


def _check_formulas(content: bytes) -> None:
    """Refuse a formula without a saved value, as programs write it: its cell would seem to be blank."""
    unsaved = workbook_parts.find_unsaved_formulas(content)
    if cell := _first_formula(content, unsaved) if unsaved else "":
        message = N_(
            "Cell %(cell)s has a formula without its value. Open the workbook in a spreadsheet program, save it there, and "
            "choose it again."
        )
        raise _refused(message, cell=cell)


def _open_workbook(content: bytes, *, data_only: bool = False) -> Any:
    from openpyxl import load_workbook  # 10 MB that only the process needs that reads a file

    return load_workbook(BytesIO(content), read_only=True, data_only=data_only, keep_links=False)


def _first_formula(content: bytes, cells: set[str]) -> str:
    """The first of `cells` that is a formula of the first sheet; "" without one."""
    book = _open_workbook(content)
    try:
        rows = book.worksheets[0].iter_rows(max_row=MAX_ROWS + SPARE_ROWS, max_col=MAX_COLUMNS + 1)
        found = (cell.coordinate for row in rows for cell in row if cell.data_type == "f" and cell.coordinate in cells)
        return next(found, "")
    finally:
        book.close()


def _read_sheet(table: Table, content: bytes, decimal_sign: str) -> None:
    book = _open_workbook(content, data_only=True)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # the sheet may say that it is larger or smaller than it is
        rows = sheet.iter_rows(max_row=MAX_ROWS + SPARE_ROWS, max_col=MAX_COLUMNS + 1, values_only=True)
        _fill(table, enumerate(([_shown(value, decimal_sign) for value in row] for row in rows), 1))
    finally:
        book.close()


def _shown(value: Any, decimal_sign: str) -> str:
    """A cell of a workbook as it would be typed. A formula has the value that was saved with it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        plain = f"{Decimal(repr(value)):f}"
        return plain.removesuffix(".0").replace(POINT, decimal_sign)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    return str(value)


def _fill(table: Table, rows: Iterable[tuple[int, list[str]]]) -> None:
    """Put the rows that are not blank into the table, the first one as its headings."""
    cells = 0
    for number, row in rows:
        row = [_plain(cell) for cell in row]
        while row and not row[-1]:
            row.pop()
        if not row:
            continue
        cells += len(row)
        _check_size(table, number, row, cells)
        if table.headings:
            table.rows.append((number, row))
        else:
            table.headings = [" ".join(heading.split())[:100] for heading in row]


def _plain(cell: str) -> str:
    """The text of a cell, without the apostrophe that keeps a spreadsheet from reading it as a formula."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and may_be_formula(text[1:]) else text


def _check_size(table: Table, number: int, row: list[str], cells: int) -> None:
    if len(row) > MAX_COLUMNS:
        raise _refused(
            N_("Row %(row)s has more than %(most)s columns. Keep only those to import."), row=number, most=MAX_COLUMNS
        )
    if len(table.rows) >= MAX_ROWS:
        raise _refused(N_("The file has more than 10,000 rows. Divide it into several files."))
    if cells > MAX_CELLS:
        raise _refused(N_("The file has more than 300,000 cells. Remove columns, or divide it into several files."))
    if max(map(len, row)) > MAX_CELL_LENGTH:
        raise _refused(N_("A cell of row %(row)s has more than 5,000 characters. Shorten it."), row=number)


def _checked(table: Table) -> Table:
    if not table.headings:
        raise _refused(EMPTY)
    named = [heading.casefold() for heading in table.headings if heading]
    if repeated := next((heading for heading in table.headings if named.count(heading.casefold()) > 1), None):
        raise _refused(N_("Two columns have the heading “%(name)s”. Rename one of them."), name=repeated)
    if not table.rows:
        raise _refused(N_("The file has no rows below its headings."))
    return table
