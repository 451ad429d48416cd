"""Text that a spreadsheet could run as a formula."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'", "\t", "\r", "\n", "\0")
"""Text that begins so may be run as a formula by a spreadsheet (OWASP: CSV injection)."""


def may_be_formula(text: str) -> bool:
    """Whether a spreadsheet might read `text` as a formula, also after blanks."""
    return text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
