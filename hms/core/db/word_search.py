"""Conditions to search a column for typed words, and how alike words must be for pg_trgm."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false
from sqlalchemy import text as sql_text

from hms.core.text.cleaning import escape_like, is_only_punctuation

from .folding import folded
from .session import db

MAX_WORDS = 8
_SET_CONFIG = sql_text("SELECT set_config(:of, :near, true)")


def set_similarity_threshold(near: float, *, of: str) -> None:
    """Set the pg_trgm threshold `of` to `near` (0 to 1) until the transaction ends."""
    db.session.connection().execute(_SET_CONFIG, {"of": f"pg_trgm.{of}", "near": str(near)})


def contains_all_words(column: Any, text: str) -> list[ColumnElement[bool]]:
    """Conditions that the folded `column` contains every word of `text` (at most `MAX_WORDS`); none for an empty text.

    A text without letters and digits, such as `%` or `--`, matches no row.
    """
    if is_only_punctuation(text):
        return [false()]
    return [column.like(folded(f"%{escape_like(word)}%"), escape="\\") for word in text.split()[:MAX_WORDS]]
