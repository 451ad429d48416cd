"""Checks that the records an action uses together belong to one patient. Triggers (migration 0022) check stored rows too."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Select, bindparam, select

from .db.session import db
from .errors import RuleBroken
from .text.translation import N_

Ids = int | Iterable[int] | None


def check_same_patient(patient_id: int, *, fields: dict[str, str] | None = None, **records: Ids) -> None:
    """Raise `RuleBroken` unless all `records` are this patient's; None and an empty list are allowed.

        check_same_patient(patient_id, encounter=encounter_id, appointment=appointment_id)

    The keyword is the table's name. The error is at the field of that name, or at `fields[name]`. A record that does not
    exist gets the same error, so that nobody learns which ids are in use.
    """
    for table_name, id_or_ids in records.items():
        ids = _as_set(id_or_ids)
        if ids and _ids_of_patient(table_name, ids, patient_id) != ids:
            raise RuleBroken(
                N_("This record belongs to another patient. Choose a record of this patient."),
                (fields or {}).get(table_name, table_name),
                code="other_patient",
            )


def _as_set(id_or_ids: Ids) -> set[int]:
    if id_or_ids is None:
        return set()
    return {id_or_ids} if isinstance(id_or_ids, int) else set(id_or_ids)


def _ids_of_patient(table_name: str, ids: set[int], patient_id: int) -> set[int]:
    values = {"ids": sorted(ids), "patient_id": patient_id}
    return set(db.session.scalars(_select_ids_of_patient(table_name=table_name), values))


@cache
def _select_ids_of_patient(*, table_name: str) -> Select:
    table = db.metadata.tables[table_name]
    return select(table.c.id).where(table.c.id.in_(bindparam("ids")), table.c.patient_id == bindparam("patient_id"))
