"""Starts, stops and undoes imports. The work itself is in `jobs.py`; each record is made by its desk's own action."""

from __future__ import annotations

from sqlalchemy import insert, update

from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import enqueue
from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings.decimal_sign import decimal_sign as hospital_sign
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.interop.enums import WORKING, BatchState, RowState
from hms.interop.models import ImportBatch, ImportRow

from . import queries, rules
from .fields import guess_columns, guess_date_order
from .kinds import KINDS, get_kind
from .tables import Table

JOB = "interop.import"
CHECKABLE = (BatchState.UPLOADED, BatchState.CHECKED)
AT_REST = (BatchState.CHECKED, BatchState.DONE)


@action(Permission.SIGNED_IN, "interop.upload_import")
def upload(*, kind: str, file_name: str, table: Table, by: Person) -> ImportBatch:
    """Keep a file that was read (`reader.read_file`), with its columns guessed. Writes no record yet.

    Raises `RoleNotAllowed` unless the person may import this kind, and `Conflict` with too many files.
    """
    fields = get_kind(kind, by).fields
    if queries.count_kept(by.id) >= rules.MAX_KEPT:
        raise Conflict(
            N_("You have 20 files here. Delete the content of one that you no longer need."), code="too_many"
        )
    batch = ImportBatch(
        user_id=by.id,
        kind=kind,
        file_name=clean_field(file_name[-rules.MAX_FILE_NAME :], "file", longest=rules.MAX_FILE_NAME),
        headings=table.headings,
        encoding=table.encoding,
        separator=table.separator,
        columns=guess_columns(fields, table.headings),
        decimal_sign=hospital_sign(),
        state=BatchState.UPLOADED.value,
        row_count=len(table.rows),
    )
    db.session.add(batch)
    db.session.flush()
    rows = [{"batch_id": batch.id, "number": number, "cells": cells} for number, cells in table.rows]
    db.session.execute(insert(ImportRow), rows)
    return batch


@action(Permission.SIGNED_IN, "interop.check_import")
def check(
    batch_id: int,
    *,
    columns: dict[str, int] | None = None,
    date_order: str = "",
    decimal_sign: str | None = None,
    changes_existing: bool = False,
    by: Person,
) -> ImportBatch:
    """Try every row in the background, without keeping anything. `columns` are places by field, those guessed when None; with
    `changes_existing` rows may change records that are there already, where the kind allows it.

    Raises `RuleBroken` for columns that do not fit, and when it is not clear how the dates are written.
    """
    batch = _locked(batch_id, by)
    rules.check_state(batch.state, *CHECKABLE)
    rules.check_has_content(batch.content_deleted_at is None)
    fields = KINDS[batch.kind].fields
    chosen = batch.columns if columns is None else columns
    batch.columns = rules.check_columns(chosen, KINDS[batch.kind], len(batch.headings))
    dates = [batch.columns[field.name] for field in fields if field.is_date and field.name in batch.columns]
    guessed = guess_date_order(queries.column_cells(batch.id, dates))
    batch.date_order = rules.check_date_order(date_order, guessed)
    batch.decimal_sign = rules.check_decimal_sign(decimal_sign or batch.decimal_sign)
    batch.changes_existing = changes_existing and KINDS[batch.kind].change is not None
    again = {"state": RowState.WAITING.value, "problems": [], "identities": []}
    again |= {"match_id": None, "twin_number": None, "is_other": False}
    unsaved = (ImportRow.batch_id == batch.id, ImportRow.record_id.is_(None))
    db.session.execute(update(ImportRow).where(*unsaved).values(again), execution_options=_UNSEEN)
    _start(batch, BatchState.CHECKING)
    return batch


_UNSEEN = {"synchronize_session": False}


@action(Permission.SIGNED_IN, "interop.run_import")
def run(batch_id: int, *, by: Person) -> ImportBatch:
    """Import the rows that are ready, in the background; raises `Conflict` when there are none."""
    batch = _locked(batch_id, by)
    rules.check_state(batch.state, *AT_REST)
    rules.check_has_content(batch.content_deleted_at is None)
    if not queries.count_rows(batch.id)[RowState.READY]:
        raise Conflict(N_("No row is ready to be imported."), code="nothing_ready")
    _start(batch, BatchState.RUNNING)
    return batch


@action(Permission.SIGNED_IN, "interop.stop_import")
def stop(batch_id: int, *, by: Person) -> ImportBatch:
    """Stop the check, the import or its undoing after the rows that are being worked on. What was done stays; the rest can be
    done later."""
    batch = _locked(batch_id, by)
    if batch.state not in WORKING:
        raise Conflict(N_("Nothing is being done with this file now."), code="not_now")
    _end(batch, rules.BACK_TO[BatchState(batch.state)])
    return batch


@action(Permission.SIGNED_IN, "interop.undo_import")
def undo(batch_id: int, *, by: Person) -> ImportBatch:
    """Take back in the background what the import made and nobody has used or changed since."""
    batch = _locked(batch_id, by)
    rules.check_state(batch.state, *AT_REST, BatchState.UNDONE)
    again = {"state": RowState.IMPORTED.value, "problems": []}
    kept = (ImportRow.batch_id == batch.id, ImportRow.state == RowState.KEPT)
    db.session.execute(update(ImportRow).where(*kept).values(again), execution_options=_UNSEEN)
    if not queries.count_rows(batch.id)[RowState.IMPORTED]:
        raise Conflict(N_("This import made no records that are left to undo."), code="nothing_imported")
    _start(batch, BatchState.UNDOING)
    return batch


@action(Permission.SIGNED_IN, "interop.allow_import_row")
def allow_row(batch_id: int, number: int, *, by: Person) -> ImportRow:
    """Say that a row that seems to be there already is somebody else, so that it can be imported."""
    batch = _locked(batch_id, by)
    rules.check_state(batch.state, *AT_REST)
    rules.check_has_content(batch.content_deleted_at is None)
    row = queries.get_row(batch_id, number)
    if row.state != RowState.DUPLICATE or (row.match_id is None and row.twin_number is None):
        raise Conflict(N_("This row cannot be imported as it is. Correct it in the file."), code="not_allowed")
    row.state, row.is_other, row.problems = RowState.READY.value, True, []
    db.session.flush()
    return row


@action(Permission.SIGNED_IN, "interop.delete_import_content")
def delete_content(batch_id: int, *, by: Person) -> ImportBatch:
    """Delete what the file says. The records that it made stay, and can still be undone."""
    batch = _locked(batch_id, by)
    if batch.state in WORKING:
        rules.check_state(batch.state)
    forget(batch)
    return batch


def forget(batch: ImportBatch) -> None:
    """Delete the cells of a batch, and what was said of them. Part of an action."""
    of_batch = ImportRow.batch_id == batch.id
    empty = {"cells": None, "problems": [], "identities": []}
    kept = update(ImportRow).where(of_batch, ImportRow.state == RowState.KEPT).values(cells=None, identities=[])
    db.session.execute(kept, execution_options=_UNSEEN)
    others = update(ImportRow).where(of_batch, ImportRow.state != RowState.KEPT).values(empty)
    db.session.execute(others, execution_options=_UNSEEN)
    batch.content_deleted_at = batch.content_deleted_at or clock.now()
    db.session.flush()


def _locked(batch_id: int, by: Person) -> ImportBatch:
    """An import that the person may go on with, locked; raises `RoleNotAllowed` when the person may not import this kind any
    more. That of a closed account is the person's own from now on."""
    batch = queries.get_batch(batch_id, by, for_update=True)
    get_kind(batch.kind, by)
    batch.user_id = by.id
    return batch


def _start(batch: ImportBatch, state: BatchState) -> None:
    batch.state, batch.problem = state.value, None
    db.session.flush()
    enqueue(JOB, batch.id, is_long=True)


def _end(batch: ImportBatch, state: BatchState, problem: Sentence | None = None) -> None:
    batch.state = state.value
    batch.problem = None if problem is None else rules.stored(problem)
    db.session.flush()


@action(Permission.SIGNED_IN, "interop.finish_import")
def finish(batch: ImportBatch, state: BatchState, problem: Sentence | None = None, *, by: Person) -> None:
    """Note that the background's work on a batch ended, with the reason when it was stopped."""
    _end(batch, state, problem)
