"""Typed doses that can be read in two ways, each with what to write instead. They are refused before anything is read.

Most come from the ISMP list of error-prone abbreviations and from French short forms that mean something else in English.
"""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

from .abbreviations import LENGTHS, UNIT_PHRASES

_UNIT = "|".join(sorted({phrase for phrases in UNIT_PHRASES.values() for phrase in phrases}, key=len, reverse=True))
_BLANK = N_("Write a blank between words and numbers, for example tds 500 mg.")
_DECIMALS = N_("Write the number without commas, with a zero before the decimal sign, for example 1000 or 0.5.")
_IN_24_HOURS = N_("Enter the maximum in 24 hours with its unit, for example max 4 g.")
_SIDE = N_("Write the side, or both sides, under Instructions: the label would not say it.")
_AS_TYPED = (
    (
        re.compile(r"[0-9] ?m\.?u\b"),
        N_("“MU” can be a million or a thousandth of a unit: write for example 1.2 million units."),
    ),
    (re.compile(r"[a-z)][.,](?=[0-9])|[a-z][0-9]*[½¼¾]|[0-9]/[0-9]+[.,][0-9]|x ?[0-9]+[.,][0-9]"), _BLANK),
    (re.compile(r"(?:^|\s),[0-9]|(?:^|\s)\.(?!(?:5|25|75|125)(?![0-9]))[0-9]"), _DECIMALS),
    (re.compile(r"[1-9]\.[0-9]{4,}|,[0-9]{4,}|[0-9]{4,},[0-9]|,[0-9]*0(?![0-9])|\.[0-9]*00(?![0-9])"), _DECIMALS),
    (
        re.compile(rf"(?<![0-9a-z.,/])[0-9]*[.,][0-9]+(?! ?(?:{_UNIT})(?![a-z]))(?![0-9.,])"),
        N_("Write the unit after a decimal number, for example 2.5 mg, or ½ for half a tablet."),
    ),
    (
        re.compile(
            r"(?<![0-9a-z./])(?<!x )([2-9]|[1-9][0-9]) ?x ?(?!\1(?![0-9]))[0-9]+(?! ?(?:/ ?(?:7|52|12)|mg|g|ml|mcg))(?![0-9])"
        ),
        N_("“3x1” can be three tablets once or one tablet three times a day: write for example 1 tab tds."),
    ),
    (
        re.compile(rf"\bx ?[0-9]+(?![0-9/]).*\bprn\b|\bprn\b.*\bx ?[0-9]+(?![0-9/]| ?{LENGTHS})"),
        N_("“x” beside “prn” can be times a day or doses in all: write the maximum in 24 hours instead."),
    ),
    (
        re.compile(r"(?<![0-9/])0[0-9]/(?:7|52|12)(?![0-9])|(?<![0-9/])(?:[7-9]|1[01])/12(?![0-9])"),
        N_("This can be a date. Write the duration in words, for example 5 days or 9 months."),
    ),
    (re.compile(r"\b(?:each|both|either) (?:eyes?|ears?|nostrils?)\b"), _SIDE),
    (
        re.compile(
            r"\b(?:drops?|gtts?|gouttes?)\b.*\b(?:od|os|ou|as|ad|au)\b|\b(?:od|os|ou|as|ad|au)\b.*\b(?:drops?|gtts?|gouttes?)\b"
        ),
        N_("“OD”, “OS” and “AS” can name an eye or ear: write “once a day”, and the side under Instructions."),
    ),
    (re.compile(r"\b[0-9]+/[0-9]+ x\b"), N_("Write how often in words, for example tds.")),
)
_MAX = r"(?<![a-z])(?:max(?:imum)?|not more than|no more than|up to)(?: of)? ?[0-9.,]+ ?[a-z]*"
_FRENCH = (
    r"(?:/ ?j|par jour|par j|fois|matin|soir|midi|jours?|pendant|toutes|coucher|besoin|[0-9] ?j(?![a-z])|cp|gel"
    r"|sem(?:aines?)?)"
)
_ENGLISH = r"(?<![a-z])(?:tds|tid|bd|bid|od|qds|qid|stat|nocte|mane|daily|a day|hourly|q[0-9]+h)(?![a-z])"
_READ_IN_TWO_WAYS = (
    (
        re.compile(r"(?:^|\s)[.,]\s+[0-9]|[0-9]\.\s"),
        N_("Write the decimal sign and the number together, for example 0.5 mg."),
    ),
    (
        re.compile(r"(?<![a-z])(?:sliding|scale|titrat)"),
        N_(
            "A scale is no single dose. Write its largest dose and how often, for example 10 units tds, and the scale itself "
            "under Instructions."
        ),
    ),
    (
        re.compile(
            r"[0-9] ?- ?[0-9]|[0-9] (?:to|a|or|ou) [0-9]|^(?!.*(?:prn|required|needed|besoin)).*[a-z0-9] up to [0-9]"
        ),
        N_("Enter one amount, one number of times and one duration, not a range."),
    ),
    (
        re.compile(rf"^(?!.*supp).*(?<![a-z])p\.?r\.? (?=[0-9]+ ?{LENGTHS}|[0-9]+ ?/|une?\b|deux\b|trois\b|l[ae]s?\b)"),
        N_("“pr” means into the rectum. Write “for” or “pendant” before the duration."),
    ),
    (
        re.compile(rf"^(?=.*(?<![a-z])c\.?c\.?(?![a-z]))(?:.*{_FRENCH}|(?!.*{_ENGLISH}))"),
        N_("“cc” can be a spoon or a millilitre: write mL."),
    ),
    (
        re.compile(
            rf"{_MAX} ?(?:weekly|(?:a|per|each|every|/) ?(?:week|month|hour)|every|monthly|/ ?h(?![a-z])"
            r"|(?:[0-9]+ ?-?)?(?:hourly|hrly)|q ?[0-9])"
        ),
        _IN_24_HOURS,
    ),
)


def check_as_typed(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for a text (lower case, without accents) with signs, numbers or words that can be read in
    two ways. It is the text as it was typed: fractions and frequencies are not rewritten yet."""
    _check(_AS_TYPED, text, field)


def check_readings(text: str, field: str) -> None:
    """Raise `RuleBroken` on `field` for a text (lower case, without accents; ranges of hours are taken out) that can be read
    in two ways."""
    _check(_READ_IN_TWO_WAYS, text, field)


def _check(patterns: tuple[tuple[re.Pattern[str], str], ...], text: str, field: str) -> None:
    for pattern, message in patterns:
        if pattern.search(text):
            raise RuleBroken(message, field)
