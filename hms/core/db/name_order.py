"""The order of lists of names: as a dictionary has them, without regard to capitals and accents.

The database's own collation sorts capitals first ("Ringer" before "abacavir"). All lists use the folding of the search
(`hms_fold`), as the stored `sort_name` of patients does. ICU collations are no alternative: not every build of PostgreSQL
has them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from hms.core.text.cleaning import fold


def name_order(*columns: Any) -> tuple[ColumnElement[str], ...]:
    """The columns to sort by; for keyset paging, compare them with `name_order` of the last row's names.

    Add the id as the last column, because names may be equal.
    """
    return tuple(func.hms_fold(column) for column in columns)


def name_key(*names: str) -> tuple[str, ...]:
    """The key that sorts rows as `name_order` does, for a short list that is read whole: the database needs longer to fold the
    names of forty doctors than to find them."""
    return tuple(fold(name) for name in names)
