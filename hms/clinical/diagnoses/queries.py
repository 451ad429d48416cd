"""Reads of diagnoses."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, select

from hms.clinical.models import Condition
from hms.core.db.session import db


def conditions_of(encounter_id: int) -> list[Condition]:
    """The diagnoses of an encounter, the primary one first."""
    return list(db.session.execute(_conditions_of(), {"encounter_id": encounter_id}).scalars())


@cache
def _conditions_of() -> Select:
    encounter_id = bindparam("encounter_id")
    query = select(Condition).where(Condition.encounter_id == encounter_id, Condition.status == "final")
    return query.order_by(Condition.rank, Condition.id)
