"""Searching a column for the words somebody typed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, func

from hms.core.text.cleaning import escape_like, is_only_punctuation

MAX_WORDS = 8


def contains_all_words(column: Any, text: str) -> list[ColumnElement[bool]]:
    """Conditions that the folded `column` holds every word of `text`; none for an empty text.

    A text of signs alone, such as `%` or `--`, is found nowhere.
    """
    if is_only_punctuation(text):
        return [false()]
    return [column.like(func.hms_fold(f"%{escape_like(word)}%"), escape="\\") for word in text.split()[:MAX_WORDS]]
