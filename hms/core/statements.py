"""Questions to the database whose SQL is built once.

Putting a SELECT together costs a page more than asking it. What changes from one request to the next are its values.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import Result, TextClause, bindparam

from .answers import Answer
from .db import db, will_write
from .questions import Question, Telling

Build = Callable[..., Any]
MOST_FORMS = 300
"""Of one statement; who asks for more than a hospital needs in a day begins anew."""


@runtime_checkable
class Varying(Protocol):
    """Something with values of its own, such as the reader whose records a question is limited to."""

    def form(self) -> Hashable:
        """What of it decides how the statement looks."""

    def values(self) -> dict[str, Any]:
        """Its values by the names of their places."""

    def in_places(self) -> Any:
        """The same with a place (`bindparam`) for each value."""


@dataclass(frozen=True)
class Narrowing:
    """What a list is narrowed by, by name: only what was asked for. `Varying`: which names are there decides the form."""

    by: Mapping[str, Any]

    @classmethod
    def of(cls, **asked: Any) -> Narrowing:
        """What was asked for; None means that it was not."""
        return cls({name: value for name, value in asked.items() if value is not None})

    def form(self) -> Hashable:
        return tuple(sorted(self.by))

    def values(self) -> dict[str, Any]:
        return {f"by_{name}": value for name, value in self.by.items()}

    def in_places(self) -> Narrowing:
        return Narrowing({name: bindparam(f"by_{name}") for name in self.by})

    def bounding(self, column: Any) -> list[Any]:
        """The conditions that keep what lies from `first` on and before `end`, as far as they were asked for."""
        bounds = {"first": column.__ge__, "end": column.__lt__}
        return [bounds[name](value) for name, value in self.by.items()]


def built_once(build: Build) -> Callable[..., Answer | Result[Any]]:
    """Make a function that builds a statement (SELECT, or INSERT of a table) one that executes it, and build it only once.

        @built_once
        def _waiting(day: Any, *, with_vitals: bool) -> Select:
            return select(QueueEntry.id).where(QueueEntry.service_date == day)

        _waiting(clock.today(), with_vitals=True).scalars()

    Positional arguments are the question's values: inside they are places for values (`bindparam`), which may stand
    beside a column, as a limit, or in `in_` (give a list, not None: a place never becomes IS NULL). What is given by
    name chooses a form, and each form is built once; a `Varying` brings places of its own. The places of an INSERT may
    not bear the names of its columns. Whatever else `build` reads stays as it was the first time, so it may not ask for
    the day, the settings or the person (a house test looks).
    """
    places = [one.name for one in signature(build).parameters.values() if one.kind is not Parameter.KEYWORD_ONLY]
    built: dict[tuple[Any, ...], Question] = {}

    def ask(*values: Any, **form: Any) -> Result[Any]:
        kind, given = _taken_apart(form)
        question = built.get(kind)
        if question is None:
            if len(built) >= MOST_FORMS:
                built.clear()
            question = built[kind] = Question(build(*map(bindparam, places), **_chosen(form)))
        return question.ask(given | dict(zip(places, values, strict=True)))

    return ask


def _taken_apart(form: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What decides how the statement looks, and the values that came with it."""
    kind: tuple[Any, ...] = ()
    given: dict[str, Any] = {}
    for one in form.values():
        if isinstance(one, (str, bool)):
            kind += (one,)
        else:
            kind += (one.form(),)
            given |= one.values()
    return kind, given


def _chosen(form: dict[str, Any]) -> dict[str, Any]:
    return {name: one.in_places() if isinstance(one, Varying) else one for name, one in form.items()}


class Writing:
    """A statement in plain SQL that writes, run again and again: for what would take several statements otherwise."""

    def __init__(self, statement: TextClause) -> None:
        self._telling = Telling(statement)

    def write(self, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run it after what the session holds, and give the rows it returns. See `records.written_over`."""
        db.session.flush()
        will_write(db.session())
        return self._telling.tell(values).fetchall()
