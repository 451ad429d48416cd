"""The columns that an import can read: their headings, and what a cell means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Any, TypeVar

from flask_babel import LazyString

from hms.core.errors import DomainError, RuleBroken
from hms.core.money import Money, TooLarge, largest_amount
from hms.core.text import numbers
from hms.core.text.cleaning import clean_field, fold
from hms.core.text.translation import N_

_NUMERIC_DATE = re.compile(r"([0-9]{1,2})([ ./-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE)
_NOT_CALCULATED = re.compile(r"#(?:REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)")
V = TypeVar("V")
_YES = frozenset(("yes", "y", "true", "1", "x", "oui", "o", "vrai"))
_NO = frozenset(("no", "n", "false", "0", "non", "faux"))


class DateOrder(StrEnum):
    """How dates of digits are written in a file."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True)
class Field:
    """A column that can be imported. `name` is the field of the desk's form and of the API; `headings` are further headings
    that mean it, folded. `parse` reads a cell that is not blank and raises `RuleBroken`."""

    name: str
    label: LazyString
    headings: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    is_required: bool = False
    example: str = ""
    is_date: bool = False
    is_number: bool = False
    """Whether the file's decimal sign matters."""

    def known_as(self) -> tuple[set[str], set[str]]:
        """The headings that mean this field, folded: its own names, and further ones."""
        own = {_heading_words(text) for text in (self.name, str(self.label))}
        return own, {_heading_words(text) for text in self.headings}


def _heading_words(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", fold(text)).split())


def guess_columns(fields: Iterable[Field], headings: list[str]) -> dict[str, int]:
    """The column of each field whose heading is known, the field's own name before others; each column is used once."""
    free = {_heading_words(heading): place for place, heading in reversed(list(enumerate(headings))) if heading}
    columns = {}
    for field in fields:
        own, further = ([words for words in known if words in free] for known in field.known_as())
        if known := own or further:
            columns[field.name] = free.pop(min(known, key=free.get))
    return columns


def guess_date_order(cells: Iterable[str]) -> DateOrder | None:
    """How the dates are written, when the cells show it or when it does not matter; None when it must be asked for."""
    days, months, is_open = False, False, False
    for match in filter(None, map(_NUMERIC_DATE.fullmatch, cells)):
        first, second = int(match[1]), int(match[3])
        days, months = days or first > 12, months or second > 12
        is_open = is_open or first != second
    if months != days:
        return DateOrder.MONTH_FIRST if months else DateOrder.DAY_FIRST
    return None if is_open else DateOrder.DAY_FIRST


def day_before_month(text: str, order: str) -> str:
    """The date as the desks type it: day first."""
    match = _NUMERIC_DATE.fullmatch(text)
    if match is None or order != DateOrder.MONTH_FIRST:
        return text
    return f"{match[3]}{match[2]}{match[1]}{match[2]}{match[4]}"


@dataclass(frozen=True)
class CellError:
    """What is wrong with a row: with the column of `field`, or with the whole row."""

    field: str | None
    error: DomainError


def cell_at(cells: Sequence[str], place: int | None) -> str:
    """The cell of a column; "" where the row is shorter, and for a column that is not in the file."""
    return cells[place] if place is not None and place < len(cells) else ""


def read_row(fields: Iterable[Field], columns: dict[str, int], cells: list[str], date_order: str) -> dict[str, Any]:
    """The values by field; blank cells are left out. Raises `RowRefused` with everything that is wrong."""
    values, errors = {}, []
    for field in fields:
        text = cell_at(cells, columns.get(field.name))
        try:
            if text:
                values[field.name] = _read_cell(field, text, date_order)
            elif field.is_required:
                raise RuleBroken(N_("This is needed. Fill in the cell."))
        except RuleBroken as error:
            errors.append(CellError(field.name, error))
    if errors:
        raise RowRefused(errors)
    return values


def _read_cell(field: Field, text: str, date_order: str) -> Any:
    if _SHORTENED.fullmatch(text):
        raise RuleBroken(N_("The spreadsheet shortened this number to %(typed)s. Enter all its digits."), typed=text)
    if _NOT_CALCULATED.fullmatch(text):
        raise RuleBroken(N_("The spreadsheet could not calculate this cell: %(typed)s."), typed=text)
    return field.parse(day_before_month(text, date_order) if field.is_date else text)


class RowRefused(Exception):
    """A row that cannot be read; `errors` has what is wrong with each of its cells."""

    def __init__(self, errors: list[CellError]) -> None:
        super().__init__("row refused")
        self.errors = errors


def line(longest: int) -> Callable[[str], str]:
    """Reads one line of at most `longest` characters."""
    return lambda text: clean_field(" ".join(text.split()), "", longest=longest)


def choice(known: dict[str, V], message: str) -> Callable[[str], V]:
    """Reads one of the words of `known`; `message` says which there are."""

    def read(text: str) -> V:
        word = known.get(fold(text))
        if word is None:
            raise RuleBroken(message)
        return word

    return read


def named(rows: Callable[[], Iterable[Any]], message: str) -> Callable[[str], int]:
    """Reads the name of one of `rows` and finds its id; `message` says that there is no “%(name)s”."""

    def read(text: str) -> int:
        word = fold(text)
        found = next((row.id for row in rows() if fold(row.name) == word), None)
        if found is None:
            raise RuleBroken(message, name=text[:50])
        return found

    return read


def yes_or_no(text: str) -> bool:
    """Reads yes or no, in English or French."""
    word = fold(text)
    if word not in _YES | _NO:
        raise RuleBroken(N_("Enter yes or no."))
    return word in _YES


def whole(text: str) -> int:
    """Reads a whole number, zero or more."""
    try:
        return numbers.whole_number(text)
    except ValueError:
        raise RuleBroken(N_("Enter a whole number.")) from None


def whole_above_zero(text: str) -> int:
    """Reads a whole number of one or more."""
    number = whole(text)
    if number == 0:
        raise RuleBroken(N_("Enter a number above zero, or leave the cell empty."))
    return number


def amount(text: str) -> Money:
    """Reads an amount of money."""
    try:
        return Money.parse(text)
    except TooLarge:
        raise RuleBroken(N_("Enter an amount of at most %(largest)s."), largest=largest_amount()) from None
    except ValueError:
        raise RuleBroken(N_("Enter an amount of money, for example %(example)s."), example="1250.00") from None


def identity(*parts: str | int | date | time | None) -> str:
    """What rows of one file have in common that mean the same record; blank when a part is missing."""
    return "" if any(part in (None, "") for part in parts) else "|".join(str(part) for part in parts)
