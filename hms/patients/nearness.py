"""How near is near, for the spellings that PostgreSQL compares by their groups of three letters (pg_trgm)."""

from __future__ import annotations

from sqlalchemy import text

from hms.core.db import in_one_transaction
from hms.core.questions import Telling

_NEARNESS = Telling(text("SELECT set_config(:of, :near, true)"))


def near_is(near: float, *, of: str) -> None:
    """Let the operators of pg_trgm's threshold `of` find what is at least `near` (0 to 1), until the transaction ends; one
    begins when there is none."""
    in_one_transaction()
    _NEARNESS.tell({"of": f"pg_trgm.{of}", "near": str(near)})
