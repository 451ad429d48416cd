"""Reading a file with the hierarchy of addresses: a line for each smallest area, a column for each level."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import StringIO

from hms.core.text.cleaning import TextError, clean
from hms.core.text.translation import N_, Sentence

MAX_ROWS = 200_000
MAX_LEVELS = 8
MAX_NAME_LENGTH = 100
MAX_PATH_BYTES = 2000
"""PostgreSQL indexes values of at most 2,700 bytes."""
MAX_ERRORS = 100
"""More faults are not listed: the first ones show what is wrong."""
SEPARATOR = " > "

Path = tuple[str, ...]


@dataclass(frozen=True)
class RowError:
    """What is wrong with a line of the file."""

    row: int
    message: Sentence


@dataclass
class AreaFile:
    """A file that was read: the names of the levels, every area with those above it (`paths`, those above first), the areas
    that have a line, and what is wrong."""

    levels: Path = ()
    paths: dict[Path, None] = field(default_factory=dict)
    lines: set[Path] = field(default_factory=set)
    rows: int = 0
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, row: int, message: str, **values: object) -> None:
        """Note a fault of a line; those after the first `MAX_ERRORS` are not kept."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(RowError(row, Sentence(message, **values)))


def read_areas(content: bytes) -> AreaFile:
    """Read a CSV file in UTF-8, with or without byte order mark; commas or semicolons. All faults are in `errors`."""
    read = AreaFile()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        read.refuse(1, N_("The file is not in UTF-8. Save it as “CSV UTF-8”."))
        return read
    first_line = text.partition("\n")[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        _read_levels(read, next(lines, []))
        for number, cells in enumerate(lines, 2):
            if read.levels and any(cell.strip() for cell in cells):
                _read_row(read, number, cells)
    except csv.Error:
        read.refuse(lines.line_num, N_("This line is no line of a CSV file."))
    if read.levels and not read.rows and not read.errors:
        read.refuse(2, N_("The file has no areas below its heading."))
    return read


def _read_levels(read: AreaFile, cells: list[str]) -> None:
    names = tuple(_cleaned(read, 1, cell) for cell in cells)
    if not names or "" in names:
        read.refuse(
            1, N_("The first line has the names of the levels, for example Region, District, Chiefdom, Village.")
        )
    elif len(names) > MAX_LEVELS:
        read.refuse(1, N_("There are more than %(most)s levels."), most=MAX_LEVELS)
    elif len({name.casefold() for name in names}) < len(names):
        read.refuse(1, N_("Two levels have the same name."))
    else:
        read.levels = names


def _read_row(read: AreaFile, number: int, cells: list[str]) -> None:
    read.rows += 1
    if read.rows > MAX_ROWS:
        if read.rows == MAX_ROWS + 1:
            read.refuse(number, N_("The file has more than %(most)s lines."), most=MAX_ROWS)
        return
    names = [_cleaned(read, number, cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > len(read.levels):
        read.refuse(number, N_("This line has more values than there are levels."))
    elif "" in names:
        read.refuse(number, N_("A level is left blank before the last one."))
    elif len(SEPARATOR.join(names).encode()) > MAX_PATH_BYTES:
        read.refuse(number, N_("The names of this line are too long together. Shorten them."))
    else:
        _add(read, number, tuple(names))


def _add(read: AreaFile, number: int, path: Path) -> None:
    for length in range(1, len(path) + 1):
        read.paths.setdefault(path[:length])
    is_repeated = path in read.lines
    read.lines.add(path)
    if is_repeated:
        read.refuse(number, N_("This area is in the file already: %(area)s."), area=SEPARATOR.join(path)[:200])


def _cleaned(read: AreaFile, number: int, cell: str) -> str:
    try:
        return clean(cell.replace(SEPARATOR.strip(), " "), longest=MAX_NAME_LENGTH)
    except TextError as error:
        read.refuse(number, error.sentence.message, **error.sentence.values)
        return "?"
