"""The parts of an XLSX workbook (ECMA-376): their sizes, before a parser sees them, and formulas without a saved value."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO

from defusedxml import ElementTree

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MIB = 2**20
MAX_UNPACKED = 40 * MIB
"""Bytes of a workbook without compression."""
MAX_PART, MAX_STRINGS = MIB, 10 * MIB
"""Bytes of styles and the like, and of the texts of the cells. A sheet may have the rest."""
MAX_TAGS, MAX_SHEET_TAGS = 40_000, 2_500_000
STRINGS = "xl/sharedStrings.xml"
SHEETS = "xl/worksheets/"
UNREAD = ("xl/calcChain.xml", "xl/drawings/", "xl/pivotCache/", "xl/pivotTables/", "xl/comments", "xl/media/")
"""Parts that are not read of a workbook opened for its values, and may be as large as the texts: many formulas make a long
calculation chain. They are looked at all the same, because a workbook says itself in which part its texts are."""
BAD_WORKBOOK = N_("The workbook cannot be read. Open it, save it again as .xlsx, or save the sheet as CSV.")
TOO_LARGE = N_("The workbook is too large when it is unpacked. Save the sheet as CSV.")
_NOT_PLAIN_XML = re.compile(rb"<!(?:DOCTYPE|ENTITY)|\A(?:\xfe\xff|\xff\xfe|.{0,3}\x00)", re.DOTALL)
_FORMULA = re.compile(rb"<(?:[^\s<>:/]+:)?f[\s/>]")


def check(content: bytes) -> None:
    """Raise `RuleBroken` for a workbook that becomes too large in memory: unpacked, in one of its parts, or by entities of
    XML, which no spreadsheet writes. Whatever `zipfile` raises for a broken file."""
    with zipfile.ZipFile(BytesIO(content)) as packed:
        parts = packed.infolist()
        if sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise RuleBroken(TOO_LARGE, "file")
        for part in parts:
            _check_part(part.filename, packed.read(part))


def _check_part(name: str, unpacked: bytes) -> None:
    """Only the sheets, the texts and what is not read may be large; pictures are not looked at, because no parser reads
    them."""
    if not name.lower().endswith((".xml", ".rels")):
        return
    is_sheet, is_long = name.startswith(SHEETS), name == STRINGS or name.startswith(UNREAD)
    most = MAX_UNPACKED if is_sheet else MAX_STRINGS if is_long else MAX_PART
    if len(unpacked) > most or unpacked.count(b"<") > (MAX_SHEET_TAGS if is_sheet or is_long else MAX_TAGS):
        raise RuleBroken(TOO_LARGE, "file")
    if _NOT_PLAIN_XML.search(unpacked):
        raise RuleBroken(BAD_WORKBOOK, "file")


def find_unsaved_formulas(content: bytes) -> set[str]:
    """The cells with a formula but without its value, of all sheets."""
    with zipfile.ZipFile(BytesIO(content)) as packed:
        sheets = [packed.read(name) for name in packed.namelist() if name.startswith(SHEETS) and name.endswith(".xml")]
    return {cell for sheet in sheets if _FORMULA.search(sheet) for cell in _unsaved_cells(sheet)}


def _unsaved_cells(sheet: bytes) -> Iterator[str]:
    """A cell or a row without a reference follows the one before it. The saved value of a formula may be empty text."""
    from openpyxl.utils import column_index_from_string, get_column_letter

    row = column = 0
    parts = ElementTree.iterparse(BytesIO(sheet), ("start", "end"))
    for event, element in parts:
        name = element.tag.rpartition("}")[2]
        if (event, name) == ("start", "row"):
            row, column = int(element.get("r") or row + 1), 0
        elif (event, name) == ("end", "c"):
            column = column_index_from_string(
                element.get("r", "").rstrip("0123456789") or get_column_letter(column + 1)
            )
            children = {child.tag.rpartition("}")[2]: child.text for child in element}
            if "f" in children and not children.get("v") and element.get("t") != "str":
                yield f"{get_column_letter(column)}{row}"
        elif (event, name) == ("end", "row"):
            element.clear()
