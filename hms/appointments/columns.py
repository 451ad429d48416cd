"""The column by which lists show a member of staff."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from hms.staff.models import User


def staff_name(user: Any = User) -> Any:
    """The name colleagues read, "Dr Amadu Bah", as a column; the account's name where none is recorded."""
    parts = (func.nullif(user.title, ""), func.nullif(user.first_name, ""), func.nullif(user.last_name, ""))
    return func.coalesce(func.nullif(func.concat_ws(" ", *parts), ""), user.username)
