"""The ids of this hospital's own records in exported resources: "hms-<code>-7"."""

from __future__ import annotations

import re

from sqlalchemy import select

from hms.core.db.session import db

from .models import ExportName

VITALS, RESULT, DOCUMENT, RELATIVE, CONSENT = "v", "l", "d", "r", "c"
"""Letters before the number of a record that has no table of its own kind: a reading of vital signs, a laboratory result, a
document, one of the next of kin, a consent."""


def code() -> str:
    """The code of this hospital."""
    return db.session.scalars(select(ExportName.code)).one()


class OwnIds:
    """Knows the ids that this hospital gave."""

    def __init__(self) -> None:
        self._own = re.compile(rf"([A-Za-z]+)/hms-{re.escape(code())}-([a-z]?)([0-9]{{1,18}})(?:-[a-z0-9]+)?")

    def record(self, name: str) -> tuple[str, int] | None:
        """The letter and the number in the name of an own record; None for the name of another."""
        match = self._own.fullmatch(name)
        return (match[2], int(match[3])) if match else None
