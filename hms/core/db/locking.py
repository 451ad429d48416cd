"""Records whose row is locked until the action ends."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select

from hms.core.errors import NotFound
from hms.core.text.translation import N_

from .session import db

R = TypeVar("R")


def get_for_update(model: type[R], record_id: int) -> R:
    """The record with its row locked until the action ends, freshly read; `NotFound` if there is none."""
    wanted = select(model).where(model.id == record_id)  # type: ignore[attr-defined]
    wanted = wanted.with_for_update(of=model).execution_options(populate_existing=True)
    record = db.session.scalars(wanted).one_or_none()
    if record is None:
        raise NotFound(N_("This record does not exist."))
    return record
