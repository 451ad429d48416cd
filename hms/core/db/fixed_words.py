"""Words and numbers of the program that are written into a statement instead of being sent with it.

PostgreSQL keeps the plan of a prepared statement only when it is as good without the parameters as with them. A condition
such as `status = 'withdrawn'` is known to choose few rows; `status = $3` is not, and the statement is planned at each use.
So is one with `LIMIT $1`, for which a tenth of all rows is expected.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BindParameter, Integer, String, bindparam, literal_column
from sqlalchemy.sql.elements import ColumnClause


def fixed_word(word: str) -> ColumnClause[str]:
    """`word` as a part of the statement; `ValueError` unless it has only small ASCII letters and underscores."""
    if not (word.isascii() and word.replace("_", "").isalpha() and word.islower()):
        raise ValueError(f"{word!r} is not a word of the program")
    return literal_column(f"'{word}'", String)


def fixed_words(words: Iterable[str]) -> list[ColumnClause[str]]:
    """Each of `words` as in `fixed_word`, for `in_`."""
    return [fixed_word(word) for word in words]


def fixed_number(name: str) -> BindParameter[int]:
    """The whole number that is given as `name` when the statement is executed, as a part of the statement. Few numbers should be
    given: each makes another statement to prepare."""
    return bindparam(name, type_=Integer(), literal_execute=True)
