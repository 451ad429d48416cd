"""Reading a record and locking its row."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, select

from hms.core.errors import NotFound
from hms.core.text.translation import N_

from .session import db

R = TypeVar("R")


def get_for_update(model: type[R], record_id: int) -> R:
    """Read the record again and lock its row until the transaction ends; `NotFound` if there is none."""
    record = db.session.scalars(_select_for_update(model), {"record_id": record_id}).one_or_none()
    if record is None:
        raise NotFound(N_("This record does not exist."))
    return record


@cache
def _select_for_update(model: Any) -> Select:
    query = select(model).where(model.id == bindparam("record_id")).with_for_update(of=model)
    return query.execution_options(populate_existing=True)
