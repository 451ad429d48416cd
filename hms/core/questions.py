"""Questions that are asked often: put into SQL once, then asked of the driver itself.

For each statement SQLAlchemy's session finds out anew how it is written, which values it takes and what its columns
become. For one statement, built once, none of that changes; finding it out was a fifth of a page's cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import psycopg
from sqlalchemy import Connection, Insert, Result, Select, TextClause, Update, inspect
from sqlalchemy.exc import DBAPIError

from .answers import Answer, Change, Rows, are_names, reader
from .db import db, will_write

_WRITING = (Insert, Update)
_PLACE = re.compile(r"%\((\w+)\)s|%%")


class Question:
    """A SELECT, or an INSERT or UPDATE that returns columns, which is asked again and again with other values.

    It goes the short way from the second time on. What brings records, takes a list in `in_`, has options, or fills
    columns in by itself goes through the session as ever. Both answer alike.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._short: _Short | None = None
        self._read: Callable[[Iterable[Any]], Rows] | None = None
        self._writes = isinstance(statement, _WRITING)
        self._may_be_short = isinstance(statement, (Select, *_WRITING)) and not statement.get_execution_options()

    def ask(self, values: dict[str, Any]) -> Answer | Result[Any]:
        """The answer for these values, by the names of the statement's places. What the session holds is written first."""
        if self._short is None:
            return self._at_first(values)
        session = db.session()
        if session.autoflush:
            session.flush()
        if self._writes:
            will_write(session)
        cursor = self._short.run(session.connection(), values)
        rows = cursor.fetchall()
        if self._read is None:
            self._read = _reader(self._statement, self._names, cursor.description)
        return Answer(self._read(rows))

    def _at_first(self, values: dict[str, Any]) -> Result[Any]:
        answer = db.session.execute(self._statement, values)
        if self._may_be_short:
            self._names = list(answer.keys())
            self._short = _Short.of(self._statement) if _is_plain(self._statement, self._names) else None
            self._may_be_short = self._short is not None
        return answer


class Telling:
    """A statement in plain SQL that is run again and again."""

    def __init__(self, statement: TextClause) -> None:
        self._statement = statement

    @cached_property
    def _short(self) -> _Short:
        return _Short(self._statement.compile(dialect=db.engine.dialect))

    def tell(self, *rows: dict[str, Any]) -> Any:
        """Run it for each row of values in the session's transaction, before what the session still holds; gives the
        driver's cursor."""
        return self._short.run(db.session.connection(), *rows)


class _Short:
    """What of a statement never changes: its text, the values that are in it already, what becomes of a given value."""

    def __init__(self, compiled: Any) -> None:
        places = {one.key: None for one in compiled.bind_names if one.required}
        written = compiled.construct_expanded_state(places)
        self._text, self._order = _numbered(written.statement)
        self._given = dict(written.parameters)
        dialect = compiled.dialect
        changes = {name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in compiled.binds.items()}
        alone = {name: change for name, change in changes.items() if change and name in self._given}
        self._sent: dict[str, Change] = alone | dict(written.processors)

    @classmethod
    def of(cls, statement: Any) -> _Short | None:
        """None when more is to do each time: a list is given, places are renamed, columns filled in."""
        compiled = statement.compile(dialect=db.engine.dialect)
        has_lists = any(one.required for one in compiled.post_compile_params)
        is_filled_in = bool(getattr(compiled, "insert_prefetch", ()) or getattr(compiled, "update_prefetch", ()))
        return None if has_lists or is_filled_in or compiled.escaped_bind_names else cls(compiled)

    def run(self, connection: Connection, *rows: dict[str, Any]) -> Any:
        """The driver's cursor, ready to be read. Faults are told as the session tells them."""
        cursor, sent = _cursor(connection), [self._as_sent(row) for row in rows]
        many = len(sent) > 1
        for hear in connection.dispatch.before_cursor_execute:
            hear(connection, cursor, self._text, sent, None, many)
        try:
            return cursor.executemany(self._text, sent) if many else cursor.execute(self._text, sent[0])
        except psycopg.Error as fault:
            raise _told(fault, self._text, connection) from fault

    def _as_sent(self, values: dict[str, Any]) -> list[Any]:
        sent = self._given | values
        for name, change in self._sent.items():
            sent[name] = change(sent[name])
        return [sent[name] for name in self._order]


def _numbered(statement: str) -> tuple[str, list[str]]:
    """The text as the server reads it, with numbers for the places ($1), and their names: the driver reads a long text
    with names anew each time."""
    order: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in order:
            order.append(name)
        return f"${order.index(name) + 1}"

    return _PLACE.sub(number, statement), order


def _is_plain(statement: Any, names: list[str]) -> bool:
    """Whether it answers with columns alone, each by a name of its own."""
    writes = isinstance(statement, _WRITING)
    answers = statement.returning_column_descriptions if writes else statement.column_descriptions
    return are_names(names) and not any(_is_record(one["expr"]) for one in answers)


def _reader(statement: Any, names: list[str], description: Iterable[Any]) -> Callable[[Iterable[Any]], Rows]:
    """What makes rows of the driver's; it takes an answer to know, for that tells the type codes of its columns."""
    dialect = db.engine.dialect
    columns = zip(statement.exported_columns, description, strict=True)
    return reader(
        names, [one.type.dialect_impl(dialect).result_processor(dialect, told.type_code) for one, told in columns]
    )


def _is_record(expression: Any) -> bool:
    seen = inspect(expression, raiseerr=False)
    return bool(getattr(seen, "is_mapper", False) or getattr(seen, "is_aliased_class", False))


def _cursor(connection: Connection) -> Any:
    """The cursor that this connection keeps for questions; each reads its whole answer at once."""
    kept = connection.info.get("asking")
    if kept is None or kept.closed:
        kept = connection.info["asking"] = psycopg.RawCursor(connection.connection.dbapi_connection)
    return kept


def _told(fault: psycopg.Error, text: str, connection: Connection) -> BaseException:
    """The driver's fault as the session would tell it."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(fault, connection.connection.dbapi_connection, None)
    if is_gone:
        connection.invalidate(fault)
    return DBAPIError.instance(
        text, None, fault, psycopg.Error, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
    )
