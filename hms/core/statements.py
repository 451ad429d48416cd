"""Questions to the database whose SQL is built once.

Putting a SELECT together costs a page more than asking it. What changes from one request to the next are its values.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from sqlalchemy import Result, bindparam

from .db import db

Build = Callable[..., Any]


def asked(build: Build) -> Callable[..., Result[Any]]:
    """Make a function that builds a SELECT one that asks it, and build it only once.

        @asked
        def _waiting(day: Any, *, with_vitals: bool) -> Select:
            return select(QueueEntry.id).where(QueueEntry.service_date == day)

        _waiting(clock.today(), with_vitals=True).scalars()

    Positional arguments are the question's values: inside they are places for values (`bindparam`), which may stand
    beside a column, as a limit, or in `in_` (give a list, not None: a place never becomes IS NULL). What is given by
    name chooses a form, and each form is built once. Whatever else `build` reads stays as it was the first time, so it
    may not ask for the day, the settings or the person (a house test looks).
    """
    places = [one.name for one in signature(build).parameters.values() if one.kind is not Parameter.KEYWORD_ONLY]
    built: dict[tuple[Any, ...], Any] = {}

    def ask(*values: Any, **form: Any) -> Result[Any]:
        kind = tuple(form.values())
        statement = built.get(kind)
        if statement is None:
            statement = built[kind] = build(*map(bindparam, places), **form)
        return db.session.execute(statement, dict(zip(places, values, strict=True)))

    ask.build = build  # type: ignore[attr-defined]
    return ask
