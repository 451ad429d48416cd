"""Reading a record and locking its row."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select

from hms.core.errors import NotFound
from hms.core.text.translation import N_

from .session import db

R = TypeVar("R")


def get_for_update(model: type[R], record_id: int) -> R:
    """Read the record again and lock its row until the transaction ends; `NotFound` if there is none."""
    query = select(model).where(model.id == record_id)  # type: ignore[attr-defined]
    query = query.with_for_update(of=model).execution_options(populate_existing=True)
    record = db.session.scalars(query).one_or_none()
    if record is None:
        raise NotFound(N_("This record does not exist."))
    return record
