"""The answers of questions: rows whose columns are read by name, as SQLAlchemy's are, in a tenth of the time.

A row of SQLAlchemy looks each name up when it is asked for; a list of forty rows is asked a thousand times.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from keyword import iskeyword
from typing import Any

from sqlalchemy.exc import MultipleResultsFound, NoResultFound

Change = Callable[[Any], Any]
Rows = list[Any]


class Answer:
    """All rows of an answer, to be read as a `Result` of SQLAlchemy is read."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Rows:
        return self._rows

    def first(self) -> Any:
        """The first row, or None; further ones are no fault."""
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:
        """The only row, or None; raises `MultipleResultsFound`."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("a question that has one answer has several")
        return self.first()

    def one(self) -> Any:
        """The only row; raises `NoResultFound` or `MultipleResultsFound`."""
        if not self._rows:
            raise NoResultFound("a question that has one answer has none")
        return self.one_or_none()

    def scalars(self) -> Answer:
        """The first column of each row."""
        return Answer([row[0] for row in self._rows])

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return None if (row := self.one_or_none()) is None else row[0]


def are_names(names: Sequence[str]) -> bool:
    """Whether columns of these names can be read as `row.name`."""
    return len(names) == len(set(names)) > 0 and all(
        name.isidentifier() and not iskeyword(name) and not name.startswith("_") for name in names
    )


def reader(names: Sequence[str], changes: Iterable[Change | None]) -> Callable[[Iterable[Any]], Rows]:
    """What makes named rows of the driver's. `changes`: for each column what becomes of its value, None when it stays."""
    make: Callable[[Iterable[Any]], Any] = namedtuple("Row", names)._make  # type: ignore[misc]
    changing = [(at, change) for at, change in enumerate(changes) if change]

    def changed(row: Iterable[Any]) -> list[Any]:
        values = list(row)
        for at, change in changing:
            values[at] = change(values[at])
        return values

    return lambda rows: [make(changed(row)) for row in rows] if changing else list(map(make, rows))
