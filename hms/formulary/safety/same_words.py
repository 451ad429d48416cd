"""Compare the words of a recorded allergy with the names of a medicine, without any list of substances."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from hms.core.text.cleaning import fold
from hms.formulary.dosing.abbreviations import ROUTE_PHRASES, UNIT_PHRASES

_WORD = re.compile(r"\w+")
_FORMS = (
    "balm capsules chewable cream dispersible drip drops ear elixir eye film forte gel herbal infusion injection "
    "liquid local lotion medicine mixture nasal ointment oral pill pills powder release solution spray suppositories "
    "suspension syrup tea tonic"
)
_COMMON = "a all allergic allergies allergy an and any by drug drugs for in is medicines of on or reaction the to with"


@cache
def _fillers() -> frozenset[str]:
    """Words of forms, units and routes, and common words: they name no substance."""
    phrases = [phrase for table in (UNIT_PHRASES, ROUTE_PHRASES) for phrases in table.values() for phrase in phrases]
    return frozenset(word for phrase in (*phrases, _FORMS, _COMMON) for word in phrase.split())


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(text)))


def _naming_words(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words - _fillers() if not any(sign.isdecimal() for sign in word))


def share_words(recorded: str, names: Iterable[str], *, whole: bool = False) -> bool:
    """Whether one of `names` has the same words as `recorded`, or one contains all words of the other.

    Strengths, forms and common words do not count ("Xyzzy" and "xyzzy 5 mg tablets" are the same). With `whole` all
    words must be the same.
    """
    words = _words(recorded)
    naming = _naming_words(words)
    for name in names:
        other = _words(name)
        if words and words == other:
            return True
        other = _naming_words(other)
        if naming and other and (naming == other if whole else naming <= other or other <= naming):
            return True
    return False
