"""Typed doses that can be read in two ways, each with what to write instead. They are refused before anything is read.

Most come from the ISMP list of error-prone abbreviations and from French short forms that mean something else in English.
"""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

from .abbreviations import LENGTHS

_MAX = r"(?<![a-z])(?:max(?:imum)?|not more than|no more than|up to)(?: of)? ?[0-9.,]+ ?[a-z]*"
_FRENCH = r"(?:/ ?j|par jour|fois|matin|soir|midi|jours?|pendant)"
_READ_IN_TWO_WAYS = (
    (re.compile(r"(?:^|\s)[.,]\s+[0-9]"), N_("Write the decimal sign and the number together, for example 0.5 mg.")),
    (
        re.compile(r"(?<![a-z])(?:sliding|scale|titrat)"),
        N_(
            "A scale is no single dose. Write its largest dose and how often, for example 10 units tds, and the scale itself "
            "under Instructions."
        ),
    ),
    (re.compile(r"[0-9] ?- ?[0-9]|[0-9] (?:to|a|or|ou) [0-9]"), N_("Enter one amount, not a range.")),
    (
        re.compile(rf"(?<![a-z])pr (?=[0-9]+ ?{LENGTHS})"),
        N_("“pr” means into the rectum. Write “for” or “pendant” before the duration."),
    ),
    (
        re.compile(rf"(?<![a-z])cc(?![a-z]).*{_FRENCH}|{_FRENCH}.*(?<![a-z])cc(?![a-z])"),
        N_("“cc” can be a spoon or a millilitre: write mL."),
    ),
    (
        re.compile(
            rf"{_MAX} ?(?:weekly|(?:a|per|each|every|/) ?(?:week|month|hour)|every|hourly|monthly|/ ?h(?![a-z]))"
        ),
        N_("Enter the maximum in 24 hours, for example max 4 g."),
    ),
)


def check_readings(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for a text (lower case, without accents; ranges of hours are taken out) that can be read
    in two ways."""
    for pattern, message in _READ_IN_TWO_WAYS:
        if pattern.search(text):
            raise RuleBroken(message, field)
