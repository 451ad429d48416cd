"""The database: one session and the kinds of record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Numeric, Text, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, ORMExecuteState, Session, mapped_column, registry  # noqa: F401
from sqlalchemy.types import TypeDecorator

from . import clock
from .errors import NotFound
from .money import Money
from .words import _

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class MoneyColumn(TypeDecorator[Money]):
    """`Money` in a NUMERIC(12,2) column; sums come back as `Money` too."""

    impl = Numeric(12, 2)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.value if isinstance(value, Money) else value

    def process_result_value(self, value: Any, dialect: Any) -> Money | None:
        return None if value is None else Money(value)


Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]


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


before_writing: list[Callable[[], None]] = []
"""What is told before the session's first statement that may write, and any other."""


def note_write(session: Session) -> None:
    """Remember that the session's transaction writes."""
    session.info["has_written"] = True


def will_write(session: Session, *_flush: Any) -> None:
    """What comes is no reading: said before every flush, and before every statement that may change something."""
    note_write(session)
    for tell in before_writing:
        tell()


@event.listens_for(db.session, "do_orm_execute")
def _note_statement(execution: ORMExecuteState) -> None:
    if not execution.is_select:
        will_write(execution.session)


event.listen(db.session, "before_flush", will_write)


@event.listens_for(db.session, "after_commit")
@event.listens_for(db.session, "after_rollback")
def _forget_writes(session: Session) -> None:
    session.info.pop("has_written", None)


def leave() -> None:
    """End what a request has begun: what no action committed is gone.

    A request that only read ends with COMMIT. After a ROLLBACK psycopg forgets its prepared statements, and every
    statement would be planned anew by every request.
    """
    if not db.session.registry.has():
        return
    session = db.session()
    if not session.in_transaction():
        return
    if session.info.get("has_written") or session.new or session.dirty or session.deleted:
        session.rollback()
    else:
        session.commit()


class Record(db.Model):  # type: ignore[name-defined]
    """A row that people make and change. Every change of it is in the audit trail (a trigger on its table)."""

    __abstract__ = True
    secret_columns: tuple[str, ...] = ()

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, server_default=func.now(), sort_order=98)
    updated_at: Mapped[datetime] = mapped_column(
        default=clock.now, server_default=func.now(), onupdate=clock.now, sort_order=99
    )


class Versioned(Record):
    """A record that two people may edit at once: a save from an old `version` raises `Stale`."""

    __abstract__ = True

    version: Mapped[int] = mapped_column(default=1, sort_order=97)

    def changed(self) -> None:
        """Mark the record as a new version; call it when a part of it that has its own table changed."""
        self.version += 1


class Permanent(Record):
    """A row that is for ever: a trigger refuses UPDATE and DELETE. A correction is a new row."""

    __abstract__ = True


class Working(db.Model):  # type: ignore[name-defined]
    """Bookkeeping of the machine itself (sessions, drafts, outbox); not in the audit trail."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-2)


R = TypeVar("R")


def found(model: type[R], record_id: int | None) -> R:
    """The record, or `NotFound`."""
    row = db.session.get(model, record_id) if record_id is not None else None
    if row is None:
        raise NotFound(_("There is no such record."))
    return row
