"""Records of the session that are written by statements of their own.

A new record, or a change of one, is one statement, and its form is known from the last time. The session works out anew
each time what there is to write and in which order, which costs as much again as the writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Column, Label, Row, Select, bindparam, insert, inspect, select, update
from sqlalchemy.orm import make_transient, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from .db import db
from .errors import NotFound
from .questions import Question
from .words import _

R = TypeVar("R")


def put(record: R) -> R:
    """Write a new record now, after what the session holds, and give it back with its id, as one the session has read.

    What it does not say is the column's default, as when the session writes it; what the database fills in by itself is
    read when it is asked for. Records that hang on it are not looked at. A refusal is told as ever (`sayings.refusal`).
    """
    model = type(record)
    for name, begin in _beginnings(model):
        if name not in record.__dict__:
            setattr(record, name, begin())
    said = {name: record.__dict__[name] for name in _names(model) if record.__dict__.get(name) is not None}
    db.session.flush()
    record.id = _insertion(model, tuple(said)).ask(_placed(said)).scalar_one()  # type: ignore[attr-defined]
    return inserted(record)


@cache
def _names(model: type) -> tuple[str, ...]:
    """The columns that a record says something about: all but its id and what the database works out."""
    return tuple(one.name for one in _columns(model))


@cache
def _beginnings(model: type) -> tuple[tuple[str, Callable[[], Any]], ...]:
    """What each column is when the record does not say it."""
    left_to_the_database = {
        one.name for one in _columns(model) if one.server_default is not None and one.default is None
    }
    return tuple((one.name, _beginning(one)) for one in _columns(model) if one.name not in left_to_the_database)


def _columns(model: Any) -> list[Column[Any]]:
    return [one for one in model.__table__.c if one.identity is None and one.computed is None]


def _beginning(column: Column[Any]) -> Callable[[], Any]:
    default: Any = column.default
    if default is None:
        return lambda: None
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)


@cache
def _insertion(model: Any, names: tuple[str, ...]) -> Question:
    table = model.__table__
    return Question(insert(table).values(_places(table, names)).returning(table.c.id))


def locked(model: type[R], record_id: int) -> R:
    """The record with its row locked until the action ends, freshly read; `NotFound` if there is none."""
    if not _is_alone(model):
        record = db.session.execute(_locking(model), {"its_id": record_id}).scalar_one_or_none()
    else:
        row = _holding(model).ask({"its_id": record_id}).one_or_none()
        record = row and record_of(model, row._asdict())
    if record is None:
        raise NotFound(_("There is no such record."))
    return record


@cache
def _is_alone(model: type) -> bool:
    """Whether reading the record brings no other along."""
    return all(one.lazy == "raise" for one in inspect(model).relationships)


@cache
def _locking(model: Any) -> Select:
    one = select(model).where(model.id == bindparam("its_id"))
    return one.with_for_update(of=model).execution_options(populate_existing=True)


@cache
def _holding(model: Any) -> Question:
    table = model.__table__
    return Question(select(*table.c).where(table.c.id == bindparam("its_id")).with_for_update())


@cache
def columns_of(model: Any) -> tuple[Label[Any], ...]:
    """The columns of a record (`patient__id`, …) for a question that answers with it beside others; see `record_in`."""
    return tuple(one.label(f"{model.__tablename__}__{one.name}") for one in model.__table__.c)


@cache
def _labels(model: Any) -> dict[str, str]:
    return {one.element.name: one.name for one in columns_of(model)}


def record_in(row: Row, model: type[R]) -> R:
    """The session's record, of an answer to a question with its `columns_of`."""
    return record_of(model, {name: getattr(row, label) for name, label in _labels(model).items()})


def record_of(model: type[R], told: Mapping[str, Any]) -> R:
    """The session's record, as these columns say it is now. What hung on it may have changed too and is read anew."""
    held = db.session().identity_map.get(identity_key(model, told["id"]))
    if held is None:
        record = model()
        record.__dict__.update(told)  # as read, not as changed column by column
        return inserted(record)
    for name, value in told.items():
        set_committed_value(held, name, value)
    hanging = [one.key for one in inspect(model).relationships if one.key in held.__dict__]
    if hanging:
        db.session.expire(held, hanging)
    return held


def save(record: Any) -> None:
    """Write what was changed on a record that the session has read, now and before what else the session holds. Its
    relations are not looked at."""
    model, kept = type(record), inspect(record).unmodified
    changed = {name: record.__dict__[name] for name in _names(model) if name not in kept}
    if not changed:
        return
    for name, renew in _renewals(model):
        if name in kept:
            changed[name] = renew(None)
            setattr(record, name, changed[name])
    with db.session.no_autoflush:
        _change(model, tuple(changed)).ask(_placed(changed) | {"its_id": record.id})
    make_transient(record)
    inserted(record)


@cache
def _renewals(model: type) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The columns that every change sets anew."""
    return tuple((one.name, one.onupdate.arg) for one in _columns(model) if one.onupdate is not None)


@cache
def _change(model: Any, names: tuple[str, ...]) -> Question:
    table = model.__table__
    changed = update(table).where(table.c.id == bindparam("its_id")).values(_places(table, names))
    return Question(changed.returning(table.c.id))


def _places(table: Any, names: Iterable[str]) -> dict[str, Any]:
    """A place for each column's value; the places of a statement may not bear the names of its columns."""
    return {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}


def _placed(values: dict[str, Any]) -> dict[str, Any]:
    return {f"its_{name}": value for name, value in values.items()}


def inserted(record: R) -> R:
    """A record with all its columns that a statement of one's own has inserted, as one the session has read."""
    make_transient_to_detached(record)
    db.session.add(record)
    return record


def written_over(model: type, ids: Iterable[int]) -> None:
    """Let the session read these records anew, where it holds them: a statement of one's own has written them."""
    for record_id in ids:
        held = db.session().identity_map.get(identity_key(model, record_id))
        if held is not None:
            db.session.expire(held)
