"""Checks of `flask prove`: every stored amount has at most the decimals of the hospital's currency (`:decimals`)."""

from __future__ import annotations

from hms.core.db.session import db
from hms.core.db.types import MoneyColumn


def amount_check() -> str:
    """The query that finds amounts with more decimals, in every table with a column of money."""
    return " UNION ALL ".join(
        f"SELECT '{table.name} ' || id || ', {column.name}' AS subject, {column.name} AS stored,"  # noqa: S608 - names of the models # nosec B608
        f" round({column.name}, :decimals) AS recomputed FROM {table.name}"
        f" WHERE {column.name} <> round({column.name}, :decimals)"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, MoneyColumn)
    )
