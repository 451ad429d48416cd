"""The words of pages about a typed hospital number."""

from __future__ import annotations

from hms.core.web.guard import current_person
from hms.core.web.localisation import translate

from . import queries


def describe_number_problem(typed: str) -> str:
    """What is wrong with the hospital number in `typed`, in the reader's language; "" when nothing is."""
    problem = queries.number_problem(typed, who=current_person())
    return translate(problem) if problem is not None else ""
