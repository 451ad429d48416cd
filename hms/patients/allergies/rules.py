"""Allergies as one line of text: "Penicillin, sulfa; peanuts", "None", "NKDA"."""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field, fold
from hms.core.text.translation import N_

MAX_SUBSTANCE_LENGTH = 200
MAX_SUBSTANCES = 50
NONE_KNOWN: list[str] = []
"""The answer of somebody who was asked and knows of no allergy."""
_DENIALS = frozenset(
    ("none", "none known", "no", "nil", "nka", "nkda", "no known allergies", "no known drug allergies", "no allergies")
)
_BETWEEN = re.compile(r"[,;\n]|\s\+\s|\s/\s")


def parse_substances(text: str, field: str = "known_allergies") -> list[str] | None:
    """The substances named in `text`, each once; `NONE_KNOWN` for a denial, None when nothing is said.

    `RuleBroken` on `field` when a name is too long or there are too many.
    """
    parts = [" ".join(part.split()).strip(" .") for part in _BETWEEN.split(text)]
    named = list({fold(part): part for part in parts if part}.values())
    if not named:
        return None
    if len(named) == 1 and fold(named[0]) in _DENIALS:
        return NONE_KNOWN
    if len(named) > MAX_SUBSTANCES:
        raise RuleBroken(N_("Enter at most 50 substances."), field)
    return [clean_field(part, field, longest=MAX_SUBSTANCE_LENGTH) for part in named]
