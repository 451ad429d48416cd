"""Records that an action takes together belong to one patient. Triggers (migration 0022) stand behind what is stored."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Select, bindparam, select

from .db.session import db
from .errors import RuleBroken
from .text.translation import N_

Ids = int | Iterable[int] | None


def check_same_patient(patient_id: int, *, fields: dict[str, str] | None = None, **records: Ids) -> None:
    """Raise `RuleBroken` unless the named records are this patient's. None and an empty list name nothing.

        check_same_patient(patient_id, encounter=encounter_id, appointment=appointment_id)

    Each record is named by its table; the error is at the input of that name, or at the one that `fields` says. A record
    that does not exist gets the same answer, so that nobody learns which ids are in use.
    """
    for name, given in records.items():
        ids = _as_set(given)
        if ids and _ids_of_patient(name, ids, patient_id) != ids:
            raise RuleBroken(
                N_("This record belongs to another patient. Choose a record of this patient."),
                (fields or {}).get(name, name),
                code="other_patient",
            )


def _as_set(given: Ids) -> set[int]:
    if given is None:
        return set()
    return {given} if isinstance(given, int) else set(given)


def _ids_of_patient(name: str, ids: set[int], patient_id: int) -> set[int]:
    return set(db.session.scalars(_own(table_name=name), {"ids": sorted(ids), "patient_id": patient_id}))


@cache
def _own(*, table_name: str) -> Select:
    table = db.metadata.tables[table_name]
    return select(table.c.id).where(table.c.id.in_(bindparam("ids")), table.c.patient_id == bindparam("patient_id"))
