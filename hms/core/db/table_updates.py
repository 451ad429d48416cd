"""Changes of rows by statements on their tables, which cost a fraction of the session's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Update
from sqlalchemy.orm.util import identity_key

from .session import db


def execute_update(model: Any, statement: Update, rows: Sequence[dict[str, Any]]) -> None:
    """Execute the UPDATE of the table of `model` for each of `rows`, whose `record_id` is the id of the record.

    A record that the session holds is read again when it is used next; flush what it has changed before.
    """
    db.session.execute(statement, rows)
    for row in rows:
        held = db.session.identity_map.get(identity_key(model, row["record_id"]))
        if held is not None:
            db.session.expire(held)
