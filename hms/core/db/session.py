"""The database, its session, and functions that run before the session writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, MetaData, Text, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, SessionTransaction, registry

from hms.core.errors import NotFound
from hms.core.money import Money
from hms.core.text.translation import N_

from .types import MoneyColumn

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    registry = registry(
        metadata=metadata,
        type_annotation_map={
            Money: MoneyColumn,
            datetime: DateTime(timezone=True),
            str: Text,
            int: BigInteger,
            dict: JSONB,
        },
    )


db = SQLAlchemy(
    model_class=Base,
    engine_options={"hide_parameters": True},
    session_options={"expire_on_commit": False},
)


before_write_hooks: list[Callable[[], None]] = []
"""Functions called before the session writes."""


def note_write(session: Session) -> None:
    """Mark that the session's transaction has written, so that the request's end rolls it back unless it is committed.

    The mark of the request stays after a rollback: its connection may have been lost while the write was committed.
    """
    session.info["has_written"] = True
    if has_app_context():
        g.has_written = True


def before_write(session: Session, *_flush: Any) -> None:
    """Call `before_write_hooks`. Runs before every flush, and before every ORM statement that is not a SELECT."""
    note_write(session)
    for hook in before_write_hooks:
        hook()


@event.listens_for(db.session, "do_orm_execute")
def _before_statement(execution: ORMExecuteState) -> None:
    if not execution.is_select:
        before_write(execution.session)


event.listen(db.session, "before_flush", before_write)


@event.listens_for(db.session, "after_commit")
def _note_commit(session: Session) -> None:
    """A request that has committed something is not done again."""
    if session.get_nested_transaction() is None and session.info.pop("has_written", None) and has_app_context():
        g.has_committed = True


@event.listens_for(db.session, "after_soft_rollback")
def _forget_writes(session: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        session.info.pop("has_written", None)


def commit_upkeep() -> None:
    """Commit what may be written twice, such as the time of activity: the request may still be done again."""
    before = g.get("has_committed", False)
    try:
        db.session.commit()
    finally:
        g.has_committed, g.has_written = before, False


def end_request_session() -> None:
    """Close the request's session; uncommitted changes are discarded.

    A request that only read ends with COMMIT: after a ROLLBACK psycopg discards its prepared statements, and every request
    would plan its statements again.
    """
    if not db.session.registry.has():
        return
    session = db.session()
    if not session.in_transaction():
        return
    try:
        if session.info.get("has_written") or session.new or session.dirty or session.deleted:
            session.rollback()
        else:
            session.commit()
    except SQLAlchemyError:  # the connection was lost after the last statement; the response is complete
        session.invalidate()


def discard_request_session() -> None:
    """Close the session of a request that failed; its connection may be lost."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session.invalidate()


R = TypeVar("R")


def get_or_not_found(model: type[R], record_id: int | None) -> R:
    """The record with this id; `NotFound` if there is none or `record_id` is None."""
    row = db.session.get(model, record_id) if record_id is not None else None
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row
