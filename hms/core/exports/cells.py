"""The values of cells: safe text, numbers, days, and instants in hospital time."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from hms.core import clock
from hms.core.money import Money
from hms.core.text.formulas import may_be_formula
from hms.core.text.translation import Sentence
from hms.core.web.localisation import translate

from .columns import Column, Kind

Value = str | int | float | Decimal | date | datetime | time | None
"""What a cell holds. Dates with a time are in hospital time and have no zone."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Signs that XML, and so XLSX, cannot hold."""


def read_value(value: Any, column: Column) -> Value:
    """The value of a field of the API's row, as `column` says."""
    if column.read is not None:
        value = column.read(value)
    if value is None:
        return None
    if column.words is not None and value in column.words:
        word = column.words[value]
        return translate(Sentence(word) if type(word) is str else word)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, str) and column.kind is not Kind.PLAIN:
        return _read_text(value, column.kind)
    return _plain(value)


def _read_text(text: str, kind: Kind) -> Value:
    """Text of the API as a day, an instant, a time or an amount; empty text is no value."""
    if not text:
        return None
    if kind is Kind.DAY:
        return date.fromisoformat(text)
    if kind is Kind.INSTANT:
        return _plain(datetime.fromisoformat(text))
    return time.fromisoformat(text) if kind is Kind.TIME else Decimal(text)


def _plain(value: Any) -> Value:
    if isinstance(value, Money):
        return value.value
    if isinstance(value, datetime):
        local = clock.local(value) if value.tzinfo else value
        return local.replace(microsecond=0, tzinfo=None)
    if isinstance(value, (int, float, Decimal, date, time)):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(translate(part) for part in value)
    return _UNPRINTABLE.sub("", translate(value))


def as_csv(value: Value) -> str:
    """The text of a cell of a CSV file. Text that could be a formula gets an apostrophe; a number never does."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return f"'{value}" if may_be_formula(value) else value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
