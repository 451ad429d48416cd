"""What a desk declares of a list that can be exported: its name and the columns of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.text.translation import N_


class Kind(Enum):
    """How the value of a field is read where its type does not say it: the API writes days and amounts as text."""

    PLAIN = "plain"
    DAY = "day"
    INSTANT = "instant"
    TIME = "time"
    AMOUNT = "amount"


@dataclass(frozen=True)
class Column:
    """One column: the field of the API's list, and its heading. A field that the reader does not see makes no column.

    `words` are the labels of a field with a closed set of values, `names` finds the names for the ids of many rows at once
    (and may be given more than once for one field), `read` makes the value from that of the field.
    """

    field: str
    label: str
    kind: Kind = Kind.PLAIN
    words: Mapping[Any, Any] | None = None
    names: Callable[[set[Any]], Mapping[Any, Any]] | None = None
    read: Callable[[Any], Any] | None = None


def find_by_id(key: Any, value: Any) -> Callable[[set[Any]], dict[Any, Any]]:
    """Finds the `value` of rows by their `key`, both columns of one table: `Column(…, names=find_by_id(Batch.id,
    Batch.lot_number))`."""

    def find(ids: set[Any]) -> dict[Any, Any]:
        return dict(db.session.execute(select(key, value).where(key.in_(ids))).all())

    return find


def day(field: str, label: str) -> Column:
    """A column of days."""
    return Column(field, label, Kind.DAY)


def instant(field: str, label: str) -> Column:
    """A column of instants, written in hospital time."""
    return Column(field, label, Kind.INSTANT)


def amount(field: str, label: str) -> Column:
    """A column of money. A file with such a column also has one with the currency."""
    return Column(field, label, Kind.AMOUNT)


@dataclass(frozen=True)
class ExportTable:
    """A list that can be exported: its name (in addresses, file names and the audit trail) and its columns."""

    name: str
    title: str
    columns: tuple[Column, ...]
    audited_as: str = "core.export_list"
    has_field_names: bool = False
    """Whether the headings are the names of the fields, for the programs of the original."""


NOT_SHOWN = N_("Not shown")
"""What is written for a field that this row does not show to the reader, such as the allergies of a restricted record."""
CURRENCY = N_("Currency")
