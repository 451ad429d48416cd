"""Rules of imports, and sentences as they are stored with a batch."""

from __future__ import annotations

from typing import Any

from hms.core.errors import Conflict, RuleBroken
from hms.core.text.numbers import COMMA, POINT
from hms.core.text.translation import N_, Sentence
from hms.interop.enums import BatchState

from .fields import DateOrder
from .kind import ImportKind

MAX_FILE_NAME = 200
MAX_KEPT = 20
"""So many files of one person are kept at the same time."""
NOT_NOW = {
    BatchState.UPLOADED: N_("Choose the columns and check the file first."),
    BatchState.CHECKING: N_("The file is being checked. Wait until it is done, or stop it."),
    BatchState.RUNNING: N_("The file is being imported. Wait until it is done, or stop it."),
    BatchState.UNDOING: N_("The import is being undone. Wait until it is done, or stop it."),
    BatchState.UNDONE: N_("This import was undone. Choose the file again."),
}
BACK_TO = {
    BatchState.CHECKING: BatchState.UPLOADED,
    BatchState.RUNNING: BatchState.CHECKED,
    BatchState.UNDOING: BatchState.DONE,
}
"""Where a batch is when its work was stopped."""
DONE = N_("This file is imported. Choose the file again to check it again.")


def check_state(state: str, *allowed: BatchState) -> None:
    """Raise `Conflict` unless the batch is in one of the states."""
    if state not in allowed:
        raise Conflict(NOT_NOW.get(BatchState(state), DONE), code="not_now")


def check_has_content(has_content: bool) -> None:
    """Raise `Conflict` when the file's content was deleted."""
    if not has_content:
        raise Conflict(N_("The content of this file was deleted. Choose the file again."), code="content_deleted")


def check_columns(columns: dict[str, int], kind: ImportKind, count: int) -> dict[str, int]:
    """The columns by field; raises `RuleBroken` for an unknown field or column, for a column that is used twice, and without
    the column of a required field."""
    labels = {field.name: str(field.label) for field in kind.fields}
    if not columns:
        raise RuleBroken(N_("Choose at least one column."), "columns")
    if unknown := sorted(columns.keys() - labels.keys()):
        raise RuleBroken(N_("There is no field “%(name)s”."), "columns", name=unknown[0][:50])
    if any(not 0 <= place < count for place in columns.values()):
        raise RuleBroken(N_("This column is not in the file."), "columns")
    _check_required(columns, kind, labels)
    if len(set(columns.values())) < len(columns):
        raise RuleBroken(N_("A column is chosen for two fields. Choose each column once."), "columns")
    return columns


def _check_required(columns: dict[str, int], kind: ImportKind, labels: dict[str, str]) -> None:
    missing = [labels[field.name] for field in kind.fields if field.is_required and field.name not in columns]
    if missing:
        raise RuleBroken(
            N_("Choose the columns of: %(names)s. They are required."), "columns", names=", ".join(missing)
        )
    for names in kind.needs_one_of:
        if columns.keys().isdisjoint(names):
            words = " / ".join(labels[name] for name in names)
            raise RuleBroken(N_("Choose a column for one of these: %(names)s."), "columns", names=words)


def check_date_order(order: str, guessed: DateOrder | None) -> str:
    """The order of dates; raises `RuleBroken` when it is not chosen and the file does not show it."""
    if order and order not in list(DateOrder):
        raise RuleBroken(N_("Choose how the dates are written."), "date_order")
    if not order and guessed is None:
        raise RuleBroken(
            N_("Choose how the dates are written: the file has dates that can be read in two ways."), "date_order"
        )
    return order or str(guessed)


def check_decimal_sign(sign: str) -> str:
    """The decimal sign of a file; raises `RuleBroken` for another one than point and comma."""
    if sign not in (POINT, COMMA):
        raise RuleBroken(N_("Choose point or comma."), "decimal_sign")
    return sign


def stored(sentence: Sentence, field: str | None = None) -> dict[str, Any]:
    """The sentence as JSON, about the column of `field`."""
    return {"field": field, "message": sentence.message, "values": {k: str(v) for k, v in sentence.values.items()}}


def shown(problem: dict[str, Any]) -> Sentence:
    """The sentence that `stored` keeps."""
    return Sentence(problem["message"], **problem["values"])
