"""Reads of imports, and whether a record that an import made is in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, func, or_, select

from hms.core.db.session import db
from hms.core.errors import Conflict, NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.interop.enums import NOT_IMPORTED, RowState
from hms.interop.models import ImportBatch, ImportRow
from hms.patients.merging.row_words import OTHER, WORDS
from hms.staff.models import User

from .kind import ImportKind
from .kinds import open_kinds


def select_batches(by: Person) -> Select:
    """The files that the person chose, and for administrators those of closed accounts, of kinds that they import."""
    own = ImportBatch.user_id == by.id
    closed = ImportBatch.user_id.in_(select(User.id).where(User.is_active.is_(False)))
    of_kinds = ImportBatch.kind.in_([kind.name for kind in open_kinds(by)])
    return select(ImportBatch).where(or_(own, closed & of_kinds) if by.may(Permission.MANAGE_STAFF) else own)


def get_batch(batch_id: int, by: Person, *, for_update: bool = False) -> ImportBatch:
    """An import of `select_batches`; raises `NotFound` for those of others."""
    query = select_batches(by).where(ImportBatch.id == batch_id)
    query = query.with_for_update().execution_options(populate_existing=True) if for_update else query
    batch = db.session.scalars(query).one_or_none()
    if batch is None:
        raise NotFound(N_("This record does not exist."))
    return batch


def list_batches(by: Person, before: int | None, limit: int) -> Sequence[ImportBatch]:
    """The imports of `select_batches`, newest first."""
    query = select_batches(by).order_by(ImportBatch.id.desc()).limit(limit)
    return db.session.scalars(query if before is None else query.where(ImportBatch.id < before)).all()


def count_kept(user_id: int) -> int:
    """How many files of the person still have their content."""
    kept = (ImportBatch.user_id == user_id, ImportBatch.content_deleted_at.is_(None))
    return db.session.execute(select(func.count()).select_from(ImportBatch).where(*kept)).scalar_one()


def count_rows(batch_id: int) -> dict[RowState, int]:
    """How many rows are in each state."""
    return count_rows_of([batch_id])[batch_id]


def count_rows_of(batch_ids: Sequence[int]) -> dict[int, dict[RowState, int]]:
    """How many rows of each of these imports are in each state."""
    columns = (ImportRow.batch_id, ImportRow.state)
    counted = select(*columns, func.count()).where(ImportRow.batch_id.in_(batch_ids)).group_by(*columns)
    found = {(batch_id, state): count for batch_id, state, count in db.session.execute(counted)}
    return {one: {state: found.get((one, state), 0) for state in RowState} for one in batch_ids}


def list_rows_by_number(batch_id: int, numbers: Sequence[int]) -> Sequence[ImportRow]:
    """The rows with these numbers."""
    return db.session.scalars(select_rows(batch_id).where(ImportRow.number.in_(numbers))).all()


def select_rows(batch_id: int, *states: RowState) -> Select:
    """The rows of an import, those in `states` when given."""
    rows = select(ImportRow).where(ImportRow.batch_id == batch_id)
    return rows.where(ImportRow.state.in_(states)) if states else rows


def list_rows(batch_id: int, states: Sequence[RowState], after: int | None, limit: int) -> Sequence[ImportRow]:
    """Rows in the order of the file, after the row of the number `after`."""
    query = select_rows(batch_id, *states).order_by(ImportRow.number).limit(limit)
    return db.session.scalars(query if after is None else query.where(ImportRow.number > after)).all()


def list_failed_rows(batch_id: int) -> Sequence[ImportRow]:
    """The rows that were not imported and still have their cells."""
    query = select_rows(batch_id, *NOT_IMPORTED).where(ImportRow.cells.is_not(None)).order_by(ImportRow.number)
    return db.session.scalars(query).all()


def first_cells(batch_id: int, limit: int) -> Sequence[list[str]]:
    """The cells of the first rows, to show them beside the columns."""
    query = select(ImportRow.cells).where(ImportRow.batch_id == batch_id, ImportRow.cells.is_not(None))
    return db.session.scalars(query.order_by(ImportRow.number).limit(limit)).all()


def column_cells(batch_id: int, places: Sequence[int]) -> list[str]:
    """The cells of some columns that are not blank."""
    chosen = [ImportRow.cells[place + 1] for place in places]
    query = select(*chosen).where(ImportRow.batch_id == batch_id) if chosen else None
    return [] if query is None else [cell for row in db.session.execute(query) for cell in row if cell]


def get_row(batch_id: int, number: int) -> ImportRow:
    """A row of an import, locked; raises `NotFound`."""
    query = select_rows(batch_id).where(ImportRow.number == number).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(N_("This record does not exist."))
    return row


def check_unchanged(kind: ImportKind, record_id: int, saved_at: datetime) -> None:
    """Lock a record that an import saved at `saved_at`; raises `Conflict` when it was changed since."""
    table = kind.model.__table__
    locked = select(table.c.updated_at).where(table.c.id == record_id).with_for_update()
    updated_at = db.session.execute(locked).scalar_one()
    if updated_at > saved_at:
        raise Conflict(N_("It was changed since the import."), code="changed")


def check_unused(kind: ImportKind, record_id: int, saved_at: datetime) -> None:
    """Raise `Conflict` when another record names the one that an import made at `saved_at`."""
    referring = _referring(kind)
    if not referring:
        return
    found = db.session.execute(_uses(kind.name, referring), {"record_id": record_id, "saved_at": saved_at}).one()
    used = [name for (name, _columns), is_used in zip(referring, found, strict=True) if is_used]
    if used:
        words = ", ".join(sorted({str(WORDS.get(name, OTHER)) for name in used}))
        raise Conflict(N_("It is used since the import: %(uses)s."), code="used", uses=words)


@cache
def _referring(kind: ImportKind) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The tables of records that name a record of this kind, each with its columns."""
    target = f"{kind.model.__tablename__}.id"
    tables = [table for table in db.metadata.sorted_tables if _is_looked_at(table, kind)]
    named = ((table.name, _columns_to(table, target)) for table in tables)
    return tuple((name, columns) for name, columns in named if columns)


def _is_looked_at(table: Table, kind: ImportKind) -> bool:
    """Rows of the machine itself (without `created_at`) are no use of a record."""
    is_asked = kind.used_in is None or table.name in kind.used_in
    return is_asked and "created_at" in table.c and table.name not in kind.uses_apart


def _columns_to(table: Table, target: str) -> tuple[str, ...]:
    keys = ((column.name, key.target_fullname) for column in table.columns for key in column.foreign_keys)
    return tuple(sorted(name for name, full_name in keys if full_name == target))


@cache
def _uses(_kind: str, referring: tuple[tuple[str, tuple[str, ...]], ...]) -> Select[Any]:
    return select(*(_is_used(db.metadata.tables[name], columns) for name, columns in referring))


def _is_used(table: Table, columns: tuple[str, ...]) -> ColumnElement[bool]:
    names_it = or_(*(table.c[column] == bindparam("record_id") for column in columns))
    return exists().where(names_it, table.c.created_at > bindparam("saved_at")).label(table.name)
