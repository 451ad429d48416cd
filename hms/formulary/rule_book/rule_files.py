"""The whole list of rules as files, and what a file would change. The format is that of `data/*.csv`."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from pathlib import PurePosixPath

from hms.core.data_files import BROKEN, check_complete, parse_rows
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.formulary.safety.rule_lists import LISTS, Cells, RuleList

from . import rules
from .actions import NAMING, ProposedLine
from .current_rules import RuleBook

MAX_FILE = 4 * 2**20
"""Bytes that one list may have, unpacked."""
MAX_CHANGES = 1500
"""How many lines one proposal may change: more than that nobody reads."""
VERSION_FILE = "rules_version.txt"
FIELD = "file"


def write_list(rule_list: RuleList, lines: Iterable[Cells]) -> str:
    """The file of one list: a heading, the lines, and how many they are."""
    text, count = StringIO(), 0
    writer = csv.DictWriter(text, rule_list.columns, lineterminator="\n")
    writer.writeheader()
    for cells in lines:
        writer.writerow(cells)
        count += 1
    return f"{text.getvalue()}# {count} rows\n"


def write_archive(book: RuleBook) -> bytes:
    """A ZIP with the file of each list in force, and the version."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, lines in book.rows().items():
            packed.writestr(f"{name}.csv", write_list(LISTS[name], (cells for _key, cells in lines)))
        packed.writestr(VERSION_FILE, f"{book.version}\n")
    return archive.getvalue()


def read_upload(name: str, content: bytes) -> dict[str, list[dict[str, str]]]:
    """The lines of a ZIP with files of lists, or of one such file, by list; raises `RuleBroken` at `file`."""
    if not content:
        raise RuleBroken(N_("Choose the file."), FIELD)
    files = _unpack(content) if content.startswith(b"PK") else [(name, content)]
    found = [_read_file(file_name, part) for file_name, part in files if PurePosixPath(file_name).name != VERSION_FILE]
    if not found:
        raise RuleBroken(N_("The file has no list of rules."), FIELD)
    if len({rule_list for rule_list, _rows in found}) < len(found):
        raise RuleBroken(N_("The file has the same list twice."), FIELD)
    return dict(found)


def _unpack(content: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            inside = [one for one in packed.infolist() if not one.is_dir()]
            if len(inside) > len(LISTS) + 1:
                raise RuleBroken(N_("The file has too many files inside."), FIELD)
            return [(one.filename, _read_part(packed, one)) for one in inside]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise RuleBroken(N_("The ZIP file cannot be read."), FIELD) from error


def _read_part(packed: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    with packed.open(one) as part:
        content = part.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise RuleBroken(N_("“%(name)s” is too large."), FIELD, name=one.filename[:100])
    return content


def _read_file(name: str, content: bytes) -> tuple[str, list[dict[str, str]]]:
    """The list that the columns of a file say, and its lines."""
    try:
        rows = check_complete(parse_rows(content.decode("utf-8-sig"), name), name)
    except BROKEN as error:
        message = N_(
            "“%(name)s” is not whole: it is CSV in UTF-8 whose last line says how many rows it has (“# 25 rows”)."
        )
        raise RuleBroken(message, FIELD, name=name[:100]) from error
    found = next((one.name for one in LISTS.values() if set(one.columns) == rows[0].keys()), None)
    if found is None:
        raise RuleBroken(N_("“%(name)s” has not the columns of a list of rules."), FIELD, name=name[:100])
    return found, rows


def find_differences(book: RuleBook, uploaded: dict[str, list[dict[str, str]]]) -> list[ProposedLine]:
    """What must be proposed so that each uploaded list is in force as it is in its file: a line that the file has not is
    retired. Raises `RuleBroken` at `file` with the row that is wrong."""
    names = rules.Names(_rows_with_uploaded(book, uploaded))
    proposed: list[ProposedLine] = []
    for name, rows in uploaded.items():
        rule_list, present = LISTS[name], dict(book.rows()[name])
        by_identity = {rule_list.key_of(cells): key for key, cells in present.items()}
        cleaned = _clean_rows(rule_list, rows, names)
        keys = {by_identity.get(identity, identity): identity for identity in cleaned}
        for key, identity in keys.items():
            if present.get(key) != cleaned[identity]:
                known = key if key in book.lines else None
                proposed.append(ProposedLine(name, known, cleaned[identity]))
        proposed += [ProposedLine(name, key) for key in present if key not in keys]
    if len(proposed) > MAX_CHANGES:
        message = N_("The file would change %(count)s rules; one proposal changes at most %(most)s.")
        raise RuleBroken(message, FIELD, count=len(proposed), most=MAX_CHANGES)
    return proposed


def _rows_with_uploaded(book: RuleBook, uploaded: dict[str, list[dict[str, str]]]) -> rules.Rows:
    rows = book.rows()
    return rows | {name: [("", cells) for cells in uploaded[name]] for name in NAMING if name in uploaded}


def _clean_rows(rule_list: RuleList, rows: Sequence[Cells], names: rules.Names) -> dict[str, dict[str, str]]:
    """The lines by their identity."""
    cleaned: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            cells = rules.clean_line(rule_list, row, names)
        except RuleBroken as error:
            message = N_("%(list)s, row %(row)s, column “%(column)s”: %(problem)s")
            words = {"list": f"{rule_list.name}.csv", "row": number, "column": error.field or ""}
            raise RuleBroken(message, FIELD, **words, problem=error.sentence) from error
        identity = rule_list.key_of(cells)
        if identity in cleaned:
            message = N_("%(list)s, row %(row)s: this rule stands in the file twice.")
            raise RuleBroken(message, FIELD, list=f"{rule_list.name}.csv", row=number)
        cleaned[identity] = cells
    return cleaned
