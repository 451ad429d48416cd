"""The rows of two records: noted by a merge, moved to the kept record, and given back by a separation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import func, insert, literal, select, text, update

from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.text.translation import N_
from hms.patients.models import PatientMerge, PatientMergeRow

from .references import links, more_links, references


class Row(NamedTuple):
    """A row of a table whose rows move with the patient."""

    table: str
    id: int


_SET = text("SELECT set_config('hms.merge', :merge, true)")


@contextmanager
def moving(merge: PatientMerge) -> Iterator[None]:
    """Let this transaction move the rows that are noted for the request, and nothing else."""
    db.session.flush()
    connection = db.session.connection()
    connection.execute(_SET, {"merge": str(merge.id)})
    yield
    db.session.flush()
    connection.execute(_SET, {"merge": ""})


def note_rows_of_both(merge: PatientMerge) -> None:
    """Note every row of the merged record, to be moved, and of the kept record, to know later which rows are new."""
    columns = ("merge_id", "table_name", "column_name", "row_id", "is_moved")
    for reference in references():
        names = literal(reference.table.name), literal(reference.column.name)
        owner = reference.column
        rows = select(literal(merge.id), *names, reference.table.c.id, owner == merge.merged_id).where(
            owner.in_((merge.kept_id, merge.merged_id))
        )
        db.session.execute(insert(PatientMergeRow).from_select(columns, rows))


def note_rows(merge: PatientMerge, rows: Collection[Row]) -> None:
    """Note rows that a separation gives to the merged record."""
    values = [
        {
            "merge_id": merge.id,
            "table_name": reference.table.name,
            "column_name": reference.column.name,
            "row_id": row.id,
            "is_moved": True,
        }
        for reference in references()
        for row in sorted(rows)
        if row.table == reference.table.name
    ]
    if values:
        db.session.execute(insert(PatientMergeRow), values)


def move_rows(merge: PatientMerge, *, giver: int, taker: int) -> int:
    """Give the noted rows of `giver` to `taker`, without any other change; returns how many moved."""
    count = 0
    for reference in references():
        noted = select(PatientMergeRow.row_id).filter_by(
            merge_id=merge.id, table_name=reference.table.name, column_name=reference.column.name, is_moved=True
        )
        stamps = {column: column for column in reference.table.columns if column.onupdate is not None}
        moved = update(reference.table).where(reference.table.c.id.in_(noted), reference.column == giver)
        count += db.session.execute(moved.values(stamps | {reference.column: taker})).rowcount
    db.session.expire_all()
    return count


@dataclass
class Separation:
    """Which rows of the kept record go where when a merge is undone.

    `moved` belonged to the merged record before. `later` are rows since the merge: in `groups` of rows that belong
    together and may go either way; or tied to rows from before, and so `follows` (to the merged record) or `stays`.
    """

    moved: set[Row] = field(default_factory=set)
    follows: set[Row] = field(default_factory=set)
    stays: set[Row] = field(default_factory=set)
    groups: list[list[Row]] = field(default_factory=list)
    tangled: list[Row] = field(default_factory=list)

    def to_merged(self, chosen: Iterable[Row]) -> set[Row]:
        """All rows that go to the merged record, with the groups of the `chosen` rows."""
        wanted = set(chosen)
        taken = {row for group in self.groups if wanted & set(group) for row in group}
        return self.moved | self.follows | taken


def plan_separation(merge: PatientMerge) -> Separation:
    """The rows of the kept record at present, sorted for a separation."""
    noted = {
        Row(name, row_id): is_moved
        for name, row_id, is_moved in db.session.execute(
            select(PatientMergeRow.table_name, PatientMergeRow.row_id, PatientMergeRow.is_moved).filter_by(
                merge_id=merge.id
            )
        )
    }
    present = _rows_of(merge.kept_id)
    plan = Separation(moved={row for row in present if noted.get(row)})
    for group in _groups(present, _pairs(merge.kept_id)):
        owners = {noted[row] for row in group if row in noted}
        later = sorted(row for row in group if row not in noted)
        if owners == {True, False}:
            plan.tangled += later or sorted(group)
        elif owners:
            (plan.follows if owners == {True} else plan.stays).update(later)
        elif later:
            plan.groups.append(later)
    plan.groups.sort()
    return plan


def check_not_tangled(plan: Separation) -> None:
    """Raise `Conflict` when a row belongs to rows of both records, as a bill with charges of both."""
    if plan.tangled:
        row = plan.tangled[0]
        message = N_(
            "The record %(table)s %(id)s belongs to visits of both patients. Correct it first: a bill has charges of one."
        )
        raise Conflict(message, code="tangled", table=row.table, id=row.id)


def _rows_of(patient_id: int) -> set[Row]:
    return {
        Row(reference.table.name, row_id)
        for reference in references()
        for row_id in db.session.scalars(select(reference.table.c.id).where(reference.column == patient_id))
    }


def _pairs(patient_id: int) -> Iterator[tuple[Row, Row]]:
    owners = {reference.table.name: reference.column for reference in references()}
    for link in links():
        linked = select(link.table.c.id, link.column).where(
            owners[link.table.name] == patient_id, link.column.is_not(None)
        )
        for row_id, other_id in db.session.execute(linked):
            yield Row(link.table.name, row_id), Row(link.other.name, other_id)
    for build in more_links:
        for table, row_id, other, other_id in db.session.execute(build(patient_id)):
            yield Row(table, row_id), Row(other, other_id)


def _groups(rows: set[Row], pairs: Iterable[tuple[Row, Row]]) -> list[set[Row]]:
    """The rows in groups that the pairs tie together."""
    group_of = {row: {row} for row in rows}
    for one, other in pairs:
        if one in group_of and other in group_of and group_of[one] is not group_of[other]:
            small, large = sorted((group_of[one], group_of[other]), key=len)
            large |= small
            for row in small:
                group_of[row] = large
    return list({id(group): group for group in group_of.values()}.values())


def count_moved(merge_id: int) -> int:
    """How many rows the approval of this request moved."""
    moved = select(func.count()).select_from(PatientMergeRow).filter_by(merge_id=merge_id, is_moved=True)
    return db.session.execute(moved).scalar_one()
