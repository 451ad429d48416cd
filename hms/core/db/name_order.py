"""The order of lists of names: as a dictionary has them, without regard to capitals and accents.

The database's own collation sorts capitals first ("Ringer" before "abacavir"). All lists use the folding of the search
(`hms_fold`), as the stored `sort_name` of patients does. ICU collations are no alternative: not every build of PostgreSQL
has them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func


def name_order(*columns: Any) -> tuple[ColumnElement[str], ...]:
    """The columns to sort by; for keyset paging, compare them with `name_order` of the last row's names.

    Add the id as the last column, because names may be equal.
    """
    return tuple(func.hms_fold(column) for column in columns)
