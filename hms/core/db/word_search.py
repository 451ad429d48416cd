"""Conditions to search a column for typed words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false

from hms.core.text.cleaning import escape_like, is_only_punctuation

from .folding import folded

MAX_WORDS = 8


def contains_all_words(column: Any, text: str) -> list[ColumnElement[bool]]:
    """Conditions that the folded `column` contains every word of `text` (at most `MAX_WORDS`); none for an empty text.

    A text without letters and digits, such as `%` or `--`, matches no row.
    """
    if is_only_punctuation(text):
        return [false()]
    return [column.like(folded(f"%{escape_like(word)}%"), escape="\\") for word in text.split()[:MAX_WORDS]]
