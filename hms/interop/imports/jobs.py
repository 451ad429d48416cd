"""The background's work on imports: check, import and undo, in portions of one transaction each.

A portion works on rows that no portion has finished, so a worker that is killed loses only the portion that it was in, and
no row is imported twice. Each portion loads the person again: who lost the account or the right stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from hms.core import clock
from hms.core.actions import acting_for, action_context, separate_part
from hms.core.background.outbox import enqueue, job
from hms.core.db.session import db
from hms.core.errors import Conflict, DomainError, RuleBroken
from hms.core.person import SYSTEM, Person
from hms.core.settings import store as settings
from hms.core.text.numbers import with_decimal_sign
from hms.core.text.translation import N_, Sentence
from hms.interop.enums import NOT_IMPORTED, BatchState, RowState
from hms.interop.models import ImportBatch, ImportRow
from hms.messages import actions as messages
from hms.staff import request_user

from . import actions, queries, rules
from .fields import RowRefused, read_row
from .kind import AlreadyThere, Change, ImportKind
from .kinds import KINDS
from .twins import Twins

CHECKED_AT_ONCE, PORTION_SECONDS = 50, 0.5
"""Short, because others wait for numbers that a portion has taken. A check keeps no lock."""
NOT_ALLOWED = Sentence(N_("Stopped: your account or your role does not allow this any more."))
ENDS_AS = {
    BatchState.CHECKING: BatchState.CHECKED,
    BatchState.RUNNING: BatchState.DONE,
    BatchState.UNDOING: BatchState.UNDONE,
}
WORKS_ON = {
    BatchState.CHECKING: RowState.WAITING,
    BatchState.RUNNING: RowState.READY,
    BatchState.UNDOING: RowState.IMPORTED,
}


TOLD = {
    BatchState.CHECKED: (N_("Your file is checked."), N_("Your file is checked. It has rows to correct.")),
    BatchState.DONE: (N_("Your import is done."), N_("Your import is done, but some rows failed.")),
    BatchState.UNDONE: (N_("Your import is undone."), N_("Your import is undone, but some records stay.")),
}
"""What the person is told, without and with rows that could not be done."""


@job(actions.JOB)
def work(batch_id: int) -> None:
    """Do one portion of a batch, and ask for the next one."""
    query = select(ImportBatch).where(ImportBatch.id == batch_id).with_for_update()
    batch = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if batch is None or batch.state not in ENDS_AS:
        return
    state, kind = BatchState(batch.state), KINDS[batch.kind]
    by = request_user.load_active_person(batch.user_id)
    if by is None or not kind.is_open_to(by):
        actions.finish(batch, rules.BACK_TO[state], NOT_ALLOWED, by=SYSTEM)
        return
    with acting_for(by, f"import-{batch.id}"), with_decimal_sign(batch.decimal_sign):
        has_more = _do_portion(batch, kind, by)
        if not has_more:
            actions.finish(batch, ENDS_AS[state], by=by)
            _tell(batch, by)
    if has_more:
        enqueue(actions.JOB, batch.id, is_long=True)


def _tell(batch: ImportBatch, by: Person) -> None:
    """Alert the person, who has left the page meanwhile."""
    counts, state = queries.count_rows(batch.id), BatchState(batch.state)
    left = counts[RowState.KEPT] if state is BatchState.UNDONE else sum(counts[one] for one in NOT_IMPORTED)
    if state in TOLD:
        messages.notify(by.id, title=TOLD[state][bool(left)], url=f"/imports/{batch.id}", by=by)


def _do_portion(batch: ImportBatch, kind: ImportKind, by: Person) -> bool:
    """Work on some rows; returns whether there are more."""
    state = BatchState(batch.state)
    is_check = state is BatchState.CHECKING
    rows = queries.list_rows(batch.id, [WORKS_ON[state]], None, CHECKED_AT_ONCE if is_check else kind.portion_rows)
    twins = Twins(batch, kind) if is_check else None
    ends_at = time.monotonic() + PORTION_SECONDS
    for row in rows:
        _STEPS[state](batch, kind, row, by, twins)
        if time.monotonic() >= ends_at:
            break
    db.session.flush()
    return bool(queries.list_rows(batch.id, [WORKS_ON[state]], None, 1))


class _Tried(Exception):
    """The row was saved as a trial, to be rolled back; `change` is what it changed in a record that was there."""

    def __init__(self, change: Change | None) -> None:
        super().__init__("tried")
        self.change = change


def _save(
    batch: ImportBatch, kind: ImportKind, row: ImportRow, values: dict[str, Any], by: Person
) -> tuple[int, Change | None]:
    """Save a row as a new record, or as a change of the one that is there when the person chose that."""
    try:
        with separate_part():
            return kind.save(values, by, _other(row)), None
    except AlreadyThere as found:
        if kind.change is None or not batch.changes_existing or found.existing_id is None:
            raise
        return found.existing_id, kind.change(found.existing_id, values, by)


def _other(row: ImportRow) -> int | None:
    """The record that a person said is another one: of a patient, or of an earlier row of the file."""
    if not row.is_other or row.twin_number is None:
        return row.match_id if row.is_other else None
    twin = select(ImportRow.record_id).where(ImportRow.batch_id == row.batch_id, ImportRow.number == row.twin_number)
    return db.session.execute(twin).scalar_one_or_none()


def _check_row(batch: ImportBatch, kind: ImportKind, row: ImportRow, by: Person, twins: Twins) -> None:
    """Save the row as a trial: the same rules refuse it as when it is imported, also because of rows before it."""
    try:
        values = _read(batch, kind, row)
        notes = _try_row(batch, kind, row, values, by)
        identities = twins.check(values, lambda one: _save_apart(kind, one, by))
    except (DomainError, RowRefused) as error:
        _refuse(row, kind, error)
        return
    row.state, row.problems, row.identities = RowState.READY.value, notes, identities
    twins.add(row, values)


def _try_row(
    batch: ImportBatch, kind: ImportKind, row: ImportRow, values: dict[str, Any], by: Person
) -> list[dict[str, Any]]:
    """Save the row and roll it back; returns what is to be said of it."""
    try:
        with separate_part():
            raise _Tried(_save(batch, kind, row, values, by)[1])
    except _Tried as tried:
        return [] if tried.change is None else [rules.stored(tried.change.says)]


def _save_apart(kind: ImportKind, values: dict[str, Any], by: Person) -> None:
    with separate_part():
        kind.save(values, by, None)


def _import_row(batch: ImportBatch, kind: ImportKind, row: ImportRow, by: Person, _twins: None) -> None:
    """Save the row; the file's own words for it are deleted with it."""
    try:
        values = _read(batch, kind, row)
        with separate_part():
            record_id, change = _save(batch, kind, row, values, by)
    except (DomainError, RowRefused) as error:
        _refuse(row, kind, error)
        return
    row.state, row.record_id, row.saved_at = RowState.IMPORTED.value, record_id, clock.now()
    row.cells, row.problems, row.before = None, [], None
    if change is not None:
        row.before, row.problems = change.before, [rules.stored(change.says)]


def _undo_row(_batch: ImportBatch, kind: ImportKind, row: ImportRow, by: Person, _twins: None) -> None:
    """Take the record back, or say why it stays."""
    try:
        with separate_part():
            queries.check_unchanged(kind, row.record_id, row.saved_at)
            if row.before is None:
                queries.check_unused(kind, row.record_id, row.saved_at)
                kind.undo(row.record_id, by)
            else:
                kind.restore(row.record_id, row.before, by)
    except DomainError as error:
        row.state, row.problems = RowState.KEPT.value, [rules.stored(error.sentence)]
        return
    row.state, row.problems = RowState.UNDONE.value, []


_Step = Callable[[ImportBatch, ImportKind, ImportRow, Person, Any], None]
_STEPS: dict[BatchState, _Step] = {
    BatchState.CHECKING: _check_row,
    BatchState.RUNNING: _import_row,
    BatchState.UNDOING: _undo_row,
}


def _read(batch: ImportBatch, kind: ImportKind, row: ImportRow) -> dict[str, Any]:
    if any(row.cells[len(batch.headings) :]):
        raise RuleBroken(N_("This row has more cells than there are headings."))
    return read_row(kind.fields, batch.columns, row.cells, batch.date_order)


def _refuse(row: ImportRow, kind: ImportKind, error: DomainError | RowRefused) -> None:
    """Note what is wrong with a row. A record that is there already is named apart from errors."""
    is_there = isinstance(error, Conflict)
    row.state = (RowState.DUPLICATE if is_there else RowState.REFUSED).value
    found = error if isinstance(error, AlreadyThere) else AlreadyThere("")
    row.match_id, row.twin_number = found.match_id, found.twin_number
    row.is_other = False
    if isinstance(error, RowRefused):
        row.problems = [rules.stored(cell.error.sentence, cell.field) for cell in error.errors]
        return
    known = {field.name for field in kind.fields}
    row.problems = [rules.stored(error.sentence, error.field if error.field in known else None)]


def delete_expired() -> int:
    """Delete the content of files that were not finished in time; returns how many. Called by the scheduler."""
    before = clock.now() - timedelta(days=settings.value("interop.import_days"))
    query = (
        select(ImportBatch)
        .where(ImportBatch.content_deleted_at.is_(None), ImportBatch.updated_at < before)
        .with_for_update(skip_locked=True)
    )
    with action_context("interop.delete_import_content", SYSTEM):
        batches = db.session.scalars(query).all()
        for batch in batches:
            if batch.state in rules.BACK_TO:  # its work was given up long ago
                batch.state = rules.BACK_TO[BatchState(batch.state)].value
            actions.forget(batch)
    return len(batches)
