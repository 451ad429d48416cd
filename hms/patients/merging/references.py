"""Which columns of all desks name a patient, and which rows belong together: read from the tables that desks declare."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from sqlalchemy import Column, Select, Table

from hms.core.db.session import db
from hms.staff.models import User

PATIENT = "patient"
STAYING = {
    "audit_entry.patient_id": "the audit trail says what happened to the record that was named then",
    "duplicate_pair.first_id": "what was said of these two records",
    "duplicate_pair.second_id": "what was said of these two records",
    "patient.merged_into_id": "the merge itself",
    "patient_merge.kept_id": "the request itself",
    "patient_merge.merged_id": "the request itself",
    "relative.record_id": "the record that was named then; its reader finds the kept one",
    "patient_to_compare.patient_id": "work of the clock for this record",
}
"""Columns that name a patient and do not move with a merge, and why."""


class Reference(NamedTuple):
    """A column that names a patient, in a table whose rows move with the patient."""

    table: Table
    column: Column


class Link(NamedTuple):
    """A column that names a row of another table; both rows are one patient's."""

    table: Table
    column: Column
    other: Table


more_links: list[Callable[[int], Select]] = []
"""Each builds, for a patient's id, the query of further rows that belong together: table, id, other table, other id."""


@cache
def references() -> tuple[Reference, ...]:
    """Every column that moves: a foreign key to `patient`, or a column called `patient_id`."""
    return tuple(
        Reference(table, column)
        for table in db.metadata.sorted_tables
        for column in table.columns
        if names_patient(column) and f"{table.name}.{column.name}" not in STAYING
    )


def names_patient(column: Column) -> bool:
    """Whether the column holds the id of a patient."""
    return column.name == "patient_id" or any(key.target_fullname == f"{PATIENT}.id" for key in column.foreign_keys)


@cache
def links() -> tuple[Link, ...]:
    """The foreign keys between tables whose rows move. Whose account did something says nothing of the patient."""
    moving = {reference.table.name: reference.table for reference in references()}
    del moving[User.__tablename__]
    return tuple(
        Link(table, column, moving[key.column.table.name])
        for table in moving.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name in moving
    )
