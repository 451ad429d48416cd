"""Typed text folded as the database folds its columns: without accents, in small letters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, collate, func, select


def lowered(text: Any) -> ColumnElement[str]:
    """`text` in small letters, also beyond ASCII: unlike `lower` alone, which changes only ASCII in the "C" locale."""
    return func.lower(collate(text, "pg_c_utf8"))


def folded(text: Any) -> ScalarSelect[str]:
    """`text` as in columns made with `hms_fold`. A subquery, so that the database folds it once and not for each row."""
    return select(func.hms_fold(text)).scalar_subquery()


def folded_name(name: Any) -> ScalarSelect[str]:
    """`name` as in `search_names`: folded, without apostrophes, with blanks instead of hyphens."""
    return select(func.hms_fold_name(name)).scalar_subquery()
