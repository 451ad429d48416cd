"""Compare the words of a recorded allergy with the names of a medicine, without any list of substances."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from rapidfuzz.distance import DamerauLevenshtein

from hms.core.text.cleaning import fold
from hms.formulary.dosing.abbreviations import ROUTE_PHRASES, UNIT_PHRASES

from .knowledge import without_trade_marks

_WORD = re.compile(r"\w+")
_FORMS = (
    "balm capsules chewable cream dispersible drip drops ear elixir eye film forte gel herbal infusion injection "
    "liquid local lotion medicine mixture nasal ointment oral pill pills powder release solution spray suppositories "
    "suspension syrup tea tonic"
)
SHORTEST_PLURAL, SHORTEST_MISSPELT = 4, 7
_COMMON = "a all allergic allergies allergy an and any by drug drugs for in is medicines of on or reaction the to with"


@cache
def _fillers() -> frozenset[str]:
    """Words of forms, units and routes, and common words: they name no substance."""
    phrases = [phrase for table in (UNIT_PHRASES, ROUTE_PHRASES) for phrases in table.values() for phrase in phrases]
    return frozenset(word for phrase in (*phrases, _FORMS, _COMMON) for word in phrase.split())


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_WORD.findall(fold(without_trade_marks(text)))))


def _naming_words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(w for w in words if w not in _fillers() and not any(sign.isdecimal() for sign in w))


def _is_spelling_of(word: str, other: str) -> bool:
    """Whether two words are the same, or a plural, or long and with one letter other, missing or added."""
    if word == other:
        return True
    shorter = min(len(word), len(other))
    if shorter >= SHORTEST_PLURAL and word.removesuffix("s") == other.removesuffix("s"):
        return True
    return shorter >= SHORTEST_MISSPELT and DamerauLevenshtein.distance(word, other, score_cutoff=1) <= 1


def share_words(recorded: str, names: Iterable[str], *, whole: bool = False, misspelt: bool = False) -> bool:
    """Whether one of `names` has the same words as `recorded`, or one contains all words of the other.

    Strengths, forms and common words do not count ("Xyzzy" and "xyzzy 5 mg tablets" are the same), nor does a hyphen
    inside a word. With `whole` all words must be the same; with `misspelt` a plural and one wrong letter of a long word
    count as the same.
    """
    words = _words(recorded)
    naming = _naming_words(words)
    is_same = _is_spelling_of if misspelt else str.__eq__
    for name in names:
        other = _words(name)
        if words and set(words) == set(other):
            return True
        other = _naming_words(other)
        if not naming or not other:
            continue
        has_recorded, has_name = _holds(other, naming, is_same), _holds(naming, other, is_same)
        if (has_recorded and has_name if whole else has_recorded or has_name) or "".join(naming) == "".join(other):
            return True
    return False


def _holds(words: tuple[str, ...], wanted: tuple[str, ...], is_same: Callable[[str, str], bool]) -> bool:
    return all(any(is_same(word, each) for word in words) for each in wanted)
