"""How near is near, for the spellings that PostgreSQL compares by their groups of three letters (pg_trgm)."""

from __future__ import annotations

from sqlalchemy import text

from hms.core.db import db

_NEARNESS = text("SELECT set_config(:of, :near, true)")


def near_is(near: float, *, of: str) -> None:
    """Let the operators of pg_trgm's threshold `of` find what is at least `near` (0 to 1), until the transaction ends."""
    db.session.connection().execute(_NEARNESS, {"of": f"pg_trgm.{of}", "near": str(near)})
